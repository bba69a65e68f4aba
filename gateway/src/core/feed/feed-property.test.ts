import type { TimePassed } from '@rhizom/machine'
import { momentAt } from '@rhizom/machine/testing'
/**
 * The feed under every interleaving fast-check can think of: messages lost, doubled, late, stale and of another epoch,
 * reads that fail or take long, a log that is pruned or rebuilt, watchers that come with any position and go.
 */
import { place, type Position } from '@rhizom/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SPACE, SpaceLog } from '../../testing/space-log.ts'
import { feedWakesAtMs } from './read.ts'
import type { FeedEffect, FeedEvent, FeedSettings, FeedState, LogAnswer } from './state.ts'
import { openFeed, stepFeed } from './feed.ts'
import type { Run } from './run.ts'

const settings: FeedSettings = {
  ring: { maxChanges: 12, maxBytes: 100_000 },
  parked: { maxRuns: 4, maxBytes: 100_000 },
  reorderGraceMs: 15,
  joinTimeoutMs: 100,
  patienceMs: 1_000_000,
  lingerMs: 1_000_000,
  retry: { minMs: 0, baseMs: 10, maxMs: 50 },
  maxHeldSnapshotBytes: 100_000,
}

type Act =
  | { act: 'commit'; count: number; fate: 'deliver' | 'lose' | 'hold' | 'double' }
  | { act: 'deliverHeld'; index: number }
  | { act: 'replay'; index: number }
  | { act: 'subscribe'; back: number | undefined; isForeign: boolean }
  | { act: 'leave'; index: number }
  | { act: 'heads' }
  | { act: 'staleHeads'; index: number }
  | { act: 'finishRead'; isFailure: boolean }
  | { act: 'prune'; keep: number }
  | { act: 'rebuild'; version: number }
  | { act: 'joinChannel' }
  | { act: 'loseChannel' }
  | { act: 'lighten' }
  | { act: 'wait'; ms: number }

/** What a client would hold: checks that each version comes once and in order. */
class Client {
  position: Position | undefined
  resets = 0

  constructor(position: Position | undefined) {
    this.position = position
  }

  snapshot(position: Position): void {
    this.position = position
    this.resets++
  }

  run(run: Run): void {
    if (this.position === undefined) throw new Error('changes before any answer')
    const placement = place(this.position, run)
    if (placement !== 'follows') throw new Error(`${placement}: ${run.from}..${run.to} at ${this.position.version}`)
    this.position = { epoch: run.epoch, version: run.to }
  }

  resumed(from: number, epoch: string, runs: readonly Run[], to: number): void {
    if (this.position === undefined) throw new Error('resumed without a position')
    if (this.position.epoch !== epoch || this.position.version !== from) throw new Error('resumed from elsewhere')
    for (const run of runs) this.run(run)
    if (this.position.version !== to) throw new Error(`resumed to ${to} but holds ${this.position.version}`)
  }
}

class World {
  readonly log = new SpaceLog()
  now = 0
  state: FeedState
  readonly clients = new Map<number, Client>()
  readonly joined = new Set<number>()
  readonly held: Run[] = []
  readonly past: Run[] = []
  readonly pastHeads: Position[] = []
  reads = 0
  /** Looked up when the read is served, which is some time after it began. */
  pendingRead: { after: Position | undefined; answer: LogAnswer | undefined } | undefined
  #lastWatcher = 0

  constructor() {
    const { state, effects } = openFeed(SPACE, 0)
    this.state = state
    this.#carryOut(effects)
  }

  send(event: FeedEvent | TimePassed): void {
    const { state, effects } = stepFeed(this.state, event, momentAt(this.now), settings)
    this.state = state
    this.#carryOut(effects)
  }

  #carryOut(effects: readonly FeedEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'read':
          if (this.pendingRead !== undefined) throw new Error('two reads at a time')
          this.reads++
          this.pendingRead = { after: effect.request.after, answer: undefined }
          break
        case 'answer':
          for (const watcher of effect.watchers) this.#answer(watcher, effect.answer)
          break
        case 'fanOut':
          for (const watcher of this.joined) this.clients.get(watcher)?.run(effect.run)
          break
        case 'reset':
          for (const watcher of this.joined) this.clients.get(watcher)?.snapshot(effect.snapshot)
          break
        case 'refuse':
        case 'end':
        case 'revoke':
          throw new Error(`unexpected ${effect.type}`)
        default:
      }
    }
  }

  #answer(watcher: number, answer: Extract<FeedEffect, { type: 'answer' }>['answer']): void {
    const client = this.clients.get(watcher)
    if (client === undefined) return
    if (this.joined.has(watcher)) throw new Error('answered twice')
    if (answer.kind === 'resumed') client.resumed(answer.from, answer.epoch, answer.runs, answer.to)
    else {
      client.snapshot(answer.snapshot)
      for (const run of answer.tail) client.run(run)
    }
    this.joined.add(watcher)
  }

  subscribe(position: Position | undefined): void {
    const watcher = ++this.#lastWatcher
    this.clients.set(watcher, new Client(position))
    this.send({ type: 'subscribed', watcher, being: '@ada', position })
  }

  leave(index: number): void {
    const watcher = [...this.clients.keys()][index % Math.max(1, this.clients.size)]
    if (watcher === undefined) return
    this.clients.delete(watcher)
    this.joined.delete(watcher)
    this.send({ type: 'watcherLeft', watcher, remaining: this.joined.size })
  }

  /** The database answers some time after the question was asked and before the answer arrives. */
  serveRead(): void {
    if (this.pendingRead !== undefined && this.pendingRead.answer === undefined)
      this.pendingRead = { ...this.pendingRead, answer: this.log.read(this.pendingRead.after) }
  }

  finishRead(isFailure: boolean): void {
    this.serveRead()
    const answer = this.pendingRead?.answer
    if (answer === undefined) return
    this.pendingRead = undefined
    this.send(isFailure ? { type: 'readFailed', retryAfterMs: undefined } : { type: 'readAnswered', answer })
  }

  act(act: Act): void {
    switch (act.act) {
      case 'commit': {
        const run = this.log.commit(act.count)
        this.past.push(run)
        if (act.fate === 'hold') this.held.push(run)
        if (act.fate === 'deliver' || act.fate === 'double') this.send({ type: 'runReceived', run })
        if (act.fate === 'double') this.send({ type: 'runReceived', run })
        break
      }
      case 'deliverHeld': {
        const [run] = this.held.splice(act.index % Math.max(1, this.held.length), 1)
        if (run !== undefined) this.send({ type: 'runReceived', run })
        break
      }
      case 'replay': {
        const run = this.past[act.index % Math.max(1, this.past.length)]
        if (run !== undefined) this.send({ type: 'runReceived', run })
        break
      }
      case 'subscribe': {
        const version = Math.max(0, this.log.version - (act.back ?? 0))
        const epoch = act.isForeign ? '00000000-0000-4000-8000-0000000000ff' : this.log.epoch
        this.subscribe(act.back === undefined ? undefined : { epoch, version })
        break
      }
      case 'leave':
        this.leave(act.index)
        break
      case 'heads': {
        const position = { epoch: this.log.epoch, version: this.log.version }
        this.pastHeads.push(position)
        this.send({ type: 'headLearned', position })
        break
      }
      case 'staleHeads': {
        const position = this.pastHeads[act.index % Math.max(1, this.pastHeads.length)]
        if (position !== undefined) this.send({ type: 'headLearned', position })
        break
      }
      case 'finishRead':
        if (this.pendingRead !== undefined && this.pendingRead.answer === undefined && act.isFailure) this.serveRead()
        else this.finishRead(act.isFailure)
        break
      case 'prune':
        this.log.prune(act.keep)
        break
      case 'rebuild':
        this.log.rebuild(act.version)
        break
      case 'joinChannel':
        this.send({ type: 'channelJoined' })
        break
      case 'loseChannel':
        this.send({ type: 'channelLost' })
        break
      case 'lighten':
        this.send({ type: 'memoryWanted' })
        break
      case 'wait':
        this.now += act.ms
        this.send({ type: 'timePassed' })
        break
      default:
        act satisfies never
    }
  }

  /** Nothing is lost from here on: heads are told until nothing is left to do. Returns the reads that took. */
  comeToRest(): number {
    const before = this.reads
    this.send({ type: 'channelJoined' })
    this.send({ type: 'headLearned', position: { epoch: this.log.epoch, version: this.log.version } })
    for (let turn = 0; turn < 50; turn++) {
      this.finishRead(false)
      const wakesAt = feedWakesAtMs(this.state, settings)
      if (this.pendingRead === undefined && (wakesAt === undefined || wakesAt > this.now + 1000))
        return this.reads - before
      if (wakesAt !== undefined && wakesAt <= this.now + 1000) this.now = Math.max(this.now, wakesAt)
      this.send({ type: 'timePassed' })
    }
    throw new Error('the feed does not come to rest')
  }
}

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('commit' as const),
      count: fc.integer({ min: 1, max: 4 }),
      fate: fc.constantFrom(
        'deliver' as const,
        'deliver' as const,
        'lose' as const,
        'hold' as const,
        'double' as const,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('deliverHeld' as const), index: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('replay' as const), index: fc.nat(99) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('subscribe' as const),
      back: fc.option(fc.integer({ min: -3, max: 20 }), { nil: undefined }),
      isForeign: fc.nat(9).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('leave' as const), index: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('heads' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('staleHeads' as const), index: fc.nat(9) }) },
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constant('finishRead' as const), isFailure: fc.nat(4).map((n) => n === 0) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('prune' as const), keep: fc.nat(8) }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('rebuild' as const), version: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ act: 'joinChannel' as const }, { act: 'loseChannel' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'lighten' as const }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
)

describe('a feed under any interleaving', () => {
  test('G12 each watcher gets each version once and in order, or a snapshot, and ends where the log ends', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 80, size: 'max' }), (list) => {
        const world = new World()
        for (const act of list) world.act(act)
        world.comeToRest()
        const end = { epoch: world.log.epoch, version: world.log.version }
        for (const [watcher, client] of world.clients) {
          expect(world.joined.has(watcher), `watcher ${watcher} was answered`).toBe(true)
          expect(client.position).toMatchObject(end)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('G13 one read at a time, and a bounded number of them once nothing is lost any more', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 80, size: 'max' }), (list) => {
        const world = new World()
        for (const act of list) world.act(act)
        expect(world.comeToRest()).toBeLessThanOrEqual(5)
      }),
      { numRuns: 1000 },
    )
  })
})
