/** The feed among messages that say what the log does not: whoever follows ends with what the log holds. */
import { momentAt } from '@rhizom/machine/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { change, EPOCH, runOf, SPACE, SpaceLog } from '../../testing/space-log.ts'
import { changesOf, type Run } from './run.ts'
import type { FeedEffect, FeedEvent, FeedSettings, FeedState, LogAnswer } from './state.ts'
import { openFeed, stepFeed } from './feed.ts'

const settings: FeedSettings = {
  ring: { maxChanges: 1000, maxBytes: 1_000_000 },
  parked: { maxRuns: 100, maxBytes: 1_000_000 },
  reorderGraceMs: 15,
  joinTimeoutMs: 100,
  patienceMs: 1_000_000,
  lingerMs: 1_000_000,
  retry: { minMs: 0, baseMs: 10, maxMs: 50 },
  maxHeldSnapshotBytes: 100_000,
}
const LIAR = '@eve'
const SETTLES_WITHIN = 30

type Act = { act: 'commit' | 'lie'; count: number; offset: number; isLate: boolean } | { act: 'read' }

/** One follower: at which version it is, and the versions that it was told a lie of. */
class World {
  readonly log = new SpaceLog()
  readonly told: Run[] = []
  readonly lies = new Set<number>()
  position = 0
  state: FeedState
  #now = 0
  #answer: (() => LogAnswer) | undefined

  constructor() {
    const { state, effects } = openFeed(SPACE, 0)
    this.state = state
    this.#carryOut(effects)
    this.send({ type: 'channelJoined' })
    this.send({ type: 'subscribed', watcher: 1, being: '@ada', position: undefined })
    this.finishRead()
  }

  send(event: FeedEvent | { type: 'timePassed' }): void {
    this.#now += 20
    const { state, effects } = stepFeed(this.state, event, momentAt(this.#now), settings)
    this.state = state
    this.#carryOut(effects)
  }

  finishRead(): void {
    const answer = this.#answer
    this.#answer = undefined
    this.send(answer === undefined ? { type: 'timePassed' } : { type: 'readAnswered', answer: answer() })
  }

  act(act: Act): void {
    if (act.act === 'read') return this.finishRead()
    if (act.act === 'commit') {
      const run = this.log.commit(act.count)
      this.told.push(run)
      if (!act.isLate) this.send({ type: 'runReceived', run })
      return
    }
    const from = Math.max(0, this.log.version - 2 + act.offset)
    const changes = Array.from({ length: act.count }, (_, at) => ({ ...change(from + 1 + at), actor: LIAR }))
    this.send({ type: 'runReceived', run: runOf(from, from + act.count, EPOCH, changes) })
  }

  #carryOut(effects: readonly FeedEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'read') this.#answer = () => this.log.read(effect.request.after)
      if (effect.type === 'reset') this.#hold(effect.snapshot.version)
      if (effect.type === 'fanOut') this.#follow(effect.run)
      if (effect.type !== 'answer') continue
      if (effect.answer.kind === 'snapshot') this.#hold(effect.answer.snapshot.version)
      for (const run of effect.answer.kind === 'snapshot' ? effect.answer.tail : effect.answer.runs) this.#follow(run)
    }
  }

  #hold(version: number): void {
    this.position = version
    this.lies.clear()
  }

  #follow(run: Run): void {
    if (run.from !== this.position) throw new Error(`${run.from}..${run.to} at ${this.position}`)
    this.position = run.to
    for (const { version, actor } of changesOf(run) ?? []) if (actor === LIAR) this.lies.add(version)
  }
}

const count = fc.integer({ min: 1, max: 3 })
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    ...{ act: fc.constantFrom('commit' as const, 'lie' as const), count, isLate: fc.boolean() },
    offset: fc.integer({ min: 0, max: 4 }),
  }),
  fc.constant({ act: 'read' as const }),
)

test('G156 whatever is said beside the log, once the log was heard all who follow hold what it holds', () => {
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 30, size: 'max' }), (list) => {
      const world = new World()
      for (const act of list) world.act(act)
      // Beyond every lie, and all of it is heard, also what was heard before.
      world.act({ act: 'commit', count: 12, offset: 0, isLate: true })
      for (const run of world.told) world.send({ type: 'runReceived', run })
      for (let turn = 0; turn < SETTLES_WITHIN; turn++) world.finishRead()
      expect([world.position, [...world.lies]]).toEqual([world.log.version, []])
    }),
    { numRuns: 1000 },
  )
})
