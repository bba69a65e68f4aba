/**
 * C20 over arbitrary histories: a server's log on one side, a client on the other, and between them a wire that
 * loses, repeats and reorders frames, cuts the connection, prunes the log and begins new epochs. The client may lag;
 * it may never hold a version whose past it does not hold, and once the wire is kind it must equal the log.
 */
import type { Change, ChangesFrame } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aBeing, anUtterance, type LogEntry, SpaceLog } from '../testing/space-log.ts'
import { beingsHere } from './space-content.ts'
import { spaceMachine } from './space.ts'
import { initialSpace, type SpaceEffect, type SpaceEvent, type SpaceState } from './space-state.ts'

type Act =
  | { act: 'write'; entry: (log: SpaceLog, pick: number) => LogEntry | null; pick: number; count: number }
  | { act: 'deliver'; index: number; keep: boolean }
  | { act: 'drop'; index: number }
  | { act: 'cut' }
  | { act: 'heartbeat' }
  | { act: 'pass' }
  | { act: 'prune' }
  | { act: 'restart' }

const pickOf = <T>(items: readonly T[], pick: number): T | undefined => items[pick % Math.max(1, items.length)]
const names = ['@ada', '@bob', '@cy']
const roster = { here: [], hereCount: 0 }

const entries: ((log: SpaceLog, pick: number) => LogEntry | null)[] = [
  (log, pick) => ({
    kind: 'intention.put',
    body: anUtterance(log.id, pickOf(names, pick) ?? '@ada', `text ${pick}`),
  }),
  (log, pick) => {
    const held = pickOf([...log.intentions.values()], pick)
    return held === undefined ? null : { kind: 'intention.append', body: { id: held.id, text: `+${pick}` } }
  },
  (log, pick) => {
    const held = pickOf([...log.intentions.values()], pick)
    return held === undefined ? null : { kind: 'intention.put', body: { ...held, content: [`edited ${pick}`] } }
  },
  (log, pick) => {
    const held = pickOf([...log.intentions.values()], pick)
    return held === undefined ? null : { kind: 'intention.remove', body: { id: held.id } }
  },
  (log, pick) => ({
    kind: 'being.put',
    body: aBeing(pickOf(names, pick) ?? '@ada', { location: log.id, name: `name ${pick}` }),
  }),
  (log, pick) => {
    const here = [...log.beings.values()].filter(({ location }) => location === log.id)
    const held = pickOf(here, pick)
    return held === undefined ? null : { kind: 'being.remove', body: { id: held.id } }
  },
  (_log, pick) => ({ kind: 'member.put', body: { being: pickOf(names, pick) ?? '@ada', role: 'member' } }),
  (log, pick) => {
    const held = pickOf([...log.members.keys()], pick)
    return held === undefined ? null : { kind: 'member.remove', body: { id: held } }
  },
  (log, pick) => ({ kind: 'space.put', body: { ...log.space, name: `space ${pick}` } }),
]

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('write' as const),
      entry: fc.constantFrom(...entries),
      pick: fc.nat(1000),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ act: fc.constant('deliver' as const), index: fc.nat(5), keep: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('drop' as const), index: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant({ act: 'cut' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'heartbeat' as const }) },
  { weight: 2, arbitrary: fc.constant({ act: 'pass' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'prune' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'restart' as const }) },
)

/** A client at the end of a bad wire. */
class World {
  readonly log = new SpaceLog('@lobby')
  state: SpaceState = initialSpace('@lobby')
  wire: SpaceEvent[] = []
  nowMs = 0
  /** Every state of the rows that some version of some epoch had, to hold the client's against. */
  readonly known = new Map<string, string>()

  constructor() {
    this.remember()
    this.tell({ type: 'connected' })
  }

  remember(): void {
    this.known.set(`${this.log.epoch}:${this.log.version}`, JSON.stringify(rowsOfLog(this.log)))
  }

  tell(event: SpaceEvent): void {
    const before = this.state.content?.position
    const { state, effects } = spaceMachine.step(this.state, event, {
      nowMs: this.nowMs,
      dateMs: this.nowMs,
      random: 0.5,
    })
    this.state = state
    const after = state.content?.position
    if (before !== undefined && after?.epoch === before.epoch && after.version < before.version)
      throw new Error(`went back from ${before.version} to ${after.version}`)
    for (const effect of effects) this.answer(effect)
    this.check()
  }

  answer(effect: SpaceEffect): void {
    if (effect.type !== 'subscribe') return
    const { position } = effect
    const changes = position === undefined ? null : this.log.changesAfter(position.epoch, position.version)
    this.wire.push(
      changes === null || position === undefined
        ? { type: 'snapshotReceived', snapshot: this.log.snapshot(), roster }
        : { type: 'resumedReceived', frame: this.frameOf(position.version, changes), roster },
    )
  }

  frameOf(from: number, changes: Change[]): Pick<ChangesFrame, 'epoch' | 'from' | 'to' | 'changes'> {
    return { epoch: this.log.epoch, from, to: from + changes.length, changes }
  }

  write({ entry, pick, count }: Extract<Act, { act: 'write' }>): void {
    const from = this.log.version
    const changes: Change[] = []
    for (let index = 0; index < count; index += 1) {
      const made = entry(this.log, pick + index)
      if (made === null) continue
      changes.push(this.log.write(made))
      this.remember()
    }
    if (changes.length > 0) this.wire.push({ type: 'changesReceived', frame: this.frameOf(from, changes) })
  }

  perform(step: Act): void {
    switch (step.act) {
      case 'write':
        return this.write(step)
      case 'deliver': {
        const index = step.index % Math.max(1, this.wire.length)
        const event = this.wire[index]
        if (event === undefined) return
        if (!step.keep) this.wire.splice(index, 1)
        return this.tell(event)
      }
      case 'drop':
        this.wire.splice(step.index % Math.max(1, this.wire.length), 1)
        return
      case 'cut':
        this.wire = []
        this.tell({ type: 'disconnected' })
        return this.tell({ type: 'connected' })
      case 'heartbeat':
        return this.tell({ type: 'headReceived', version: this.log.version })
      case 'pass':
        this.nowMs += 20_000
        return this.tell({ type: 'timePassed' })
      case 'prune':
        return this.log.prune(Math.floor(this.log.version / 2))
      case 'restart':
        // A backup restored at an older version: another history, whose rows are what they are.
        this.log.restart()
        // Frames of the former epoch do not outlive it on a real wire: the gateway ends its feed first.
        this.wire = []
        return this.remember()
      default:
        step satisfies never
    }
  }

  /** What the client holds is what the log was at that version, no matter what came before. */
  check(): void {
    const { content } = this.state
    if (content === undefined) return
    const { epoch, version } = content.position
    const [held, known] = [JSON.stringify(rowsOfClient(this.state)), this.known.get(`${epoch}:${version}`)]
    if (held !== known) throw new Error(`holds\n${held}\nwhere version ${version} was\n${known}`)
  }

  /** From now on everything arrives, in order. */
  beKind(): void {
    this.tell({ type: 'disconnected' })
    this.wire = []
    this.tell({ type: 'connected' })
    for (let turn = 0; turn < 20; turn += 1) {
      for (let event = this.wire.shift(); event !== undefined; event = this.wire.shift()) this.tell(event)
      this.nowMs += 20_000
      this.tell({ type: 'timePassed' })
      this.tell({ type: 'headReceived', version: this.log.version })
    }
  }
}

const sorted = <T>(items: Iterable<T>): T[] =>
  [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

function rowsOfLog(log: SpaceLog) {
  const { space, intentions, members } = log.snapshot()
  const beings = beingsHere(Object.fromEntries(log.beings), log.id)
  return {
    name: space.name,
    beings: sorted(beings),
    intentions,
    members: sorted(members?.map(({ being }) => being) ?? []),
  }
}

function rowsOfClient({ id, content }: SpaceState) {
  if (content === undefined) throw new Error('nothing is held')
  return {
    name: content.space.name,
    beings: sorted(beingsHere(content.beings, id)),
    intentions: content.intentions,
    members: sorted(Object.keys(content.members ?? {})),
  }
}

test('C20 any interleaving of loss, repetition, reorder, cuts, pruning and new epochs ends equal to the log', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const world = new World()
      for (const step of acts) world.perform(step)
      world.beKind()
      expect(world.state.subscription.status).toBe('current')
      expect(world.state.content?.position).toEqual({ epoch: world.log.epoch, version: world.log.version })
      expect(rowsOfClient(world.state)).toEqual(rowsOfLog(world.log))
      expect(world.state.content?.beingCount).toBe(world.log.snapshot().beingCount)
    }),
    { numRuns: 400 },
  )
})
