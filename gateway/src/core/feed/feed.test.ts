import type { TimePassed } from '@rhizom/machine'
import { momentAt } from '@rhizom/machine/testing'
import { describe, expect, test } from 'vitest'
import {
  change,
  changesAnswer,
  EPOCH,
  everybody,
  only,
  OTHER_EPOCH,
  runOf,
  snapshotAnswer,
  SPACE,
} from '../../testing/space-log.ts'
import type { Readers } from './access.ts'
import { feedWakesAtMs } from './read.ts'
import type { Run } from './run.ts'
import type { FeedEffect, FeedEvent, FeedSettings, FeedState, LogAnswer } from './state.ts'
import { openFeed, stepFeed } from './feed.ts'

const settings: FeedSettings = {
  ring: { maxChanges: 100, maxBytes: 100_000 },
  parked: { maxRuns: 3, maxBytes: 100_000 },
  reorderGraceMs: 15,
  joinTimeoutMs: 2000,
  patienceMs: 5000,
  lingerMs: 30_000,
  retry: { minMs: 0, baseMs: 200, maxMs: 5000 },
  maxHeldSnapshotBytes: 100_000,
}

const at = (version: number, epoch = EPOCH) => ({ epoch, version })

/** A feed and what it said, as short words. */
class Feed {
  state: FeedState
  now = 0
  readonly #said: string[] = []
  readonly settings: FeedSettings

  constructor(overrides: Partial<FeedSettings> = {}) {
    this.settings = { ...settings, ...overrides }
    const { state, effects } = openFeed(SPACE, 0)
    this.state = state
    this.#hear(effects)
  }

  send(...events: readonly (FeedEvent | TimePassed)[]): string[] {
    for (const event of events) {
      const { state, effects } = stepFeed(this.state, event, momentAt(this.now), this.settings)
      this.state = state
      this.#hear(effects)
    }
    return this.said()
  }

  said(): string[] {
    return this.#said.splice(0)
  }

  /** Lets time pass up to and including a moment. */
  until(now: number): string[] {
    this.now = now
    return this.send({ type: 'timePassed' })
  }

  get wakesAt(): number | undefined {
    return feedWakesAtMs(this.state, this.settings)
  }

  get version(): number | undefined {
    return this.state.status === 'live' ? this.state.position.version : undefined
  }

  #hear(effects: readonly FeedEffect[]): void {
    for (const effect of effects) this.#said.push(...wordOf(effect))
  }
}

function wordOf(effect: FeedEffect): string[] {
  switch (effect.type) {
    case 'read':
      return [`read ${effect.request.reason} ${effect.request.after?.version ?? '-'}`]
    case 'answer': {
      const { answer } = effect
      const what =
        answer.kind === 'resumed'
          ? `resumed ${answer.from}-${answer.to}`
          : `snapshot ${answer.snapshot.version}${answer.tail.map(({ from, to }) => ` +${from}-${to}`).join('')}`
      return [`${what} (${answer.source}) to ${effect.watchers.join(',')}`]
    }
    case 'refuse':
      return [`${effect.refusal.code} to ${effect.watcher}`]
    case 'fanOut':
      return [`out ${effect.run.from}-${effect.run.to}`]
    case 'revoke':
      return [`revoke all but ${[...effect.readers.members].join(',')}`]
    case 'reset':
      return [`reset to ${effect.snapshot.version}`]
    case 'note':
      return []
    default:
      return [effect.type]
  }
}

/** What the log answers that holds this run. */
const logOf = (run: Run, readers: Readers): LogAnswer => ({
  ...{ epoch: run.epoch, version: run.to, readers },
  catchUp: { kind: 'changes', from: run.from, run },
})

const joined: FeedEvent = { type: 'channelJoined' }
const answered = (answer: LogAnswer): FeedEvent => ({ type: 'readAnswered', answer })
const received = (from: number, to: number, epoch = EPOCH): FeedEvent => ({
  type: 'runReceived',
  run: runOf(from, to, epoch),
})
const failed: FeedEvent = { type: 'readFailed', retryAfterMs: undefined }
const subscribed = (watcher: number, position?: { epoch: string; version: number }, being = '@ada'): FeedEvent => ({
  type: 'subscribed',
  watcher,
  being,
  position,
})

/** Live at version 10 with watcher 1. */
function live(overrides: Partial<FeedSettings> = {}, answer = snapshotAnswer(10)): Feed {
  const feed = new Feed(overrides)
  feed.send(joined, subscribed(1), answered(answer))
  return feed
}

describe('opening', () => {
  test('G10 the channel is joined before anything is read, and what arrives meanwhile is kept', () => {
    const feed = new Feed()
    expect(feed.said()).toEqual(['joinChannel'])
    expect(feed.send(subscribed(1))).toEqual([])
    expect(feed.send(joined)).toEqual(['read open -'])
    expect(feed.send(received(10, 11), received(9, 10))).toEqual([])
    expect(feed.send(answered(snapshotAnswer(10)))).toEqual(['out 10-11', 'snapshot 10 +10-11 (log) to 1'])
  })

  test('G10 without a confirmation it reads all the same, and has its position checked when it comes', () => {
    const feed = new Feed()
    feed.send(subscribed(1))
    expect(feed.wakesAt).toBe(2000)
    expect(feed.until(2000)).toEqual(['read open -'])
    expect(feed.send(answered(snapshotAnswer(10)))).toEqual(['snapshot 10 (log) to 1'])
    expect(feed.send(joined)).toEqual(['checkHead'])
    const lost = new Feed()
    lost.said()
    expect(lost.send({ type: 'channelLost' }, subscribed(1))).toEqual(['read open -'])
  })

  test('G17 one read answers all who wait for changes, one more all newcomers', () => {
    const feed = new Feed()
    feed.said()
    const asked = feed.send(subscribed(1, at(7)), subscribed(2, at(5)), subscribed(3), subscribed(4, at(7)), joined)
    expect(asked).toEqual(['read open 5'])
    expect(feed.send(answered(changesAnswer(5, 10)))).toEqual([
      'resumed 7-10 (log) to 1,4',
      'resumed 5-10 (log) to 2',
      'read snapshot -',
    ])
    expect(feed.send(subscribed(5), subscribed(6))).toEqual([])
    expect(feed.send(answered(snapshotAnswer(10)))).toEqual(['snapshot 10 (log) to 3,5,6'])
  })
})

describe('following', () => {
  test('G11 what follows goes out, what overlaps is cut, what is old is dropped', () => {
    const feed = live()
    expect(feed.send(received(10, 12), received(11, 13), received(9, 12))).toEqual(['out 10-12', 'out 12-13'])
  })

  test('G14 two messages out of order need no read', () => {
    const feed = live()
    feed.said()
    expect(feed.send(received(11, 12))).toEqual([])
    expect(feed.wakesAt).toBe(15)
    expect(feed.until(14)).toEqual([])
    expect(feed.send(received(10, 11))).toEqual(['out 10-11', 'out 11-12'])
    expect(feed.wakesAt).toBeUndefined()
  })

  test('G14 a message that stays away is read after the grace, and what was parked follows it', () => {
    const feed = live()
    feed.said()
    feed.send(received(11, 12))
    expect(feed.until(15)).toEqual(['read gap 10'])
    expect(feed.send(received(12, 13))).toEqual([])
    expect(feed.send(answered(changesAnswer(10, 12)))).toEqual(['out 10-12', 'out 12-13'])
  })

  test('G15 over the bound everything parked is let go and the log is read at once', () => {
    const feed = live()
    feed.said()
    const parked = [11, 12, 13, 14].map((from) => received(from, from + 1))
    expect(feed.send(...parked)).toEqual(['read gap 10'])
    expect(feed.send(answered(changesAnswer(10, 15)))).toEqual(['out 10-15'])
  })

  test('G16 a resume from the ring asks nobody', () => {
    const feed = live()
    feed.send(received(10, 12), received(12, 15))
    feed.said()
    expect(feed.send(subscribed(2, at(11)), subscribed(3, at(15)))).toEqual([
      'resumed 11-15 (ring) to 2',
      'resumed 15-15 (ring) to 3',
    ])
  })

  test('G17 who is behind the ring waits for one read with all others, while messages go on', () => {
    const feed = live()
    feed.said()
    expect(feed.send(subscribed(2, at(4)))).toEqual(['read resume 4'])
    expect(feed.send(subscribed(3, at(2)), received(10, 11))).toEqual(['out 10-11'])
    expect(feed.send(answered(changesAnswer(4, 10)))).toEqual(['resumed 4-11 (log) to 2', 'read resume 2'])
    expect(feed.send(answered(changesAnswer(2, 11)))).toEqual(['resumed 2-11 (log) to 3'])
  })

  test('G18 a position ahead is answered after a read that catches up', () => {
    const feed = live()
    feed.said()
    expect(feed.send(subscribed(2, at(12)))).toEqual(['read resume 10'])
    expect(feed.send(answered(changesAnswer(10, 13)))).toEqual(['out 10-13', 'resumed 12-13 (log) to 2'])
  })

  test('G18 a position that the log does not know gets a snapshot', () => {
    const feed = live({ maxHeldSnapshotBytes: 0 })
    feed.said()
    expect(feed.send(subscribed(2, at(99)))).toEqual(['read resume 10'])
    expect(feed.send(answered(changesAnswer(10, 10)))).toEqual(['read snapshot -'])
    expect(feed.send(answered(snapshotAnswer(10)))).toEqual(['snapshot 10 (log) to 2'])
    expect(feed.send(subscribed(3, at(3, OTHER_EPOCH)))).toEqual(['read snapshot -'])
  })

  test('G18 a snapshot ahead of the feed is given once the feed is there', () => {
    const feed = live({ maxHeldSnapshotBytes: 0 })
    feed.said()
    expect(feed.send(subscribed(2))).toEqual(['read snapshot -'])
    expect(feed.send(answered(snapshotAnswer(12)))).toEqual([])
    expect(feed.send(received(10, 12))).toEqual(['out 10-12', 'snapshot 12 (cache) to 2'])
  })

  test('G36 a kept snapshot is given again while it is the head, and read anew afterwards', () => {
    const feed = live()
    feed.said()
    expect(feed.send(subscribed(2))).toEqual(['snapshot 10 (cache) to 2'])
    feed.send(received(10, 12))
    feed.said()
    expect(feed.send(subscribed(3))).toEqual(['read snapshot -'])
    expect(feed.send(answered(snapshotAnswer(12)))).toEqual(['snapshot 12 (log) to 3'])
  })

  test('G241 a kept snapshot is read anew after ten seconds, also where nothing changed', () => {
    const feed = live()
    feed.said()
    for (const now of [1, 5_000, 9_999]) {
      feed.until(now)
      expect(feed.send(subscribed(now))).toEqual([`snapshot 10 (cache) to ${now}`])
    }
    feed.until(10_000)
    feed.said()
    expect(feed.send(subscribed(2))).toEqual(['read snapshot -'])
    expect(feed.send(subscribed(3))).toEqual([])
    expect(feed.send(answered(snapshotAnswer(10)))).toEqual(['snapshot 10 (log) to 2,3'])
    expect(feed.send(subscribed(4))).toEqual(['snapshot 10 (cache) to 4'])
    // Whoever follows from a position needs none.
    feed.until(86_400_000)
    feed.said()
    expect(feed.send(subscribed(5, at(10)))).toEqual(['resumed 10-10 (ring) to 5'])
  })

  test('G36 whoever asked before the read began gets its snapshot with what came meanwhile; later ones a newer read', () => {
    const feed = live()
    feed.send(received(10, 11))
    feed.said()
    expect(feed.send(subscribed(2))).toEqual(['read snapshot -'])
    feed.send(received(11, 12))
    feed.said()
    expect(feed.send(subscribed(3))).toEqual([])
    expect(feed.send(answered(snapshotAnswer(11)))).toEqual(['snapshot 11 +11-12 (log) to 2', 'read snapshot -'])
    expect(feed.send(answered(snapshotAnswer(12)))).toEqual(['snapshot 12 (log) to 3'])
  })

  test('G35 a head ahead is caught up with, a head behind is nothing', () => {
    const feed = live()
    feed.said()
    expect(feed.send({ type: 'headLearned', position: at(9) })).toEqual([])
    expect(feed.send({ type: 'headLearned', position: at(12) })).toEqual([])
    expect(feed.until(15)).toEqual(['read heads 10'])
    expect(feed.send(answered(changesAnswer(10, 12)))).toEqual(['out 10-12'])
    expect(feed.wakesAt).toBeUndefined()
  })
})

describe('another history', () => {
  test('G19 another epoch on the bus: everybody gets a snapshot, and the former epoch is dropped from then on', () => {
    const feed = live()
    feed.said()
    expect(feed.send(received(3, 4, OTHER_EPOCH))).toEqual(['read gap 10'])
    expect(feed.send(received(4, 5, OTHER_EPOCH))).toEqual([])
    expect(feed.send(answered(snapshotAnswer(4, everybody, OTHER_EPOCH)))).toEqual(['reset to 4', 'out 4-5'])
    expect(feed.send(received(10, 11))).toEqual([])
    expect(feed.wakesAt).toBeUndefined()
  })

  test('G19 a log that does not reach back: everybody gets a snapshot', () => {
    const feed = live()
    feed.said()
    feed.send({ type: 'headLearned', position: at(50) })
    expect(feed.until(15)).toEqual(['read heads 10'])
    expect(feed.send(answered(snapshotAnswer(50)))).toEqual(['reset to 50'])
    expect(feed.send(subscribed(2, at(10)))).toEqual(['read resume 10'])
  })

  test('G19 a stale message of an epoch that is over costs one read and no reset', () => {
    const feed = live()
    feed.said()
    expect(feed.send(received(90, 91, OTHER_EPOCH))).toEqual(['read gap 10'])
    expect(feed.send(answered(changesAnswer(10, 10)))).toEqual([])
    expect(feed.send(received(91, 92, OTHER_EPOCH))).toEqual([])
    expect(feed.wakesAt).toBeUndefined()
  })
})

describe('claims beyond the log', () => {
  test('G13 a message that claims more than a later read shows is let go, and the feed rests', () => {
    const feed = live()
    feed.said()
    feed.send(received(90, 91))
    expect(feed.until(15)).toEqual(['read gap 10'])
    expect(feed.send(answered(changesAnswer(10, 10)))).toEqual([])
    expect(feed.state).toMatchObject({ parked: { runs: [] }, lag: undefined })
    expect(feed.wakesAt).toBeUndefined()
  })
})

describe('who may read', () => {
  const members = (...beings: string[]) => live({}, snapshotAnswer(10, only('@ada', ...beings)))

  test('G30 a stranger is told not-found after a read, the newly added is answered', () => {
    const feed = members()
    feed.said()
    expect(feed.send(subscribed(2, undefined, '@bob'))).toEqual(['read resume 10'])
    expect(feed.send(answered(changesAnswer(10, 10, only('@ada'))))).toEqual(['not-found to 2'])
    expect(feed.send(subscribed(3, undefined, '@eve'))).toEqual(['read resume 10'])
    expect(feed.send(answered(changesAnswer(10, 11, only('@ada', '@eve'))))).toEqual(['out 10-11', 'read snapshot -'])
    expect(feed.send(answered(snapshotAnswer(11, only('@ada', '@eve'))))).toEqual(['snapshot 11 (log) to 3'])
  })

  test('G30 who asks while a read that began before the space was made is under way is answered after another', () => {
    const feed = new Feed()
    feed.send(joined, subscribed(1))
    feed.said()
    expect(feed.send(subscribed(2), { type: 'spaceMissing' })).toEqual(['not-found to 1', 'end', 'read open -'])
    expect(feed.send(answered(snapshotAnswer(3)))).toEqual(['snapshot 3 (log) to 2'])
    const known = live()
    known.send({ type: 'headMissing' })
    known.said()
    const moved = known.send(subscribed(2, { epoch: OTHER_EPOCH, version: 1 }), { type: 'spaceMissing' })
    expect(moved).toEqual(['end', 'read open 1'])
    expect(known.send({ type: 'spaceMissing' })).toEqual(['not-found to 2', 'end', 'leaveChannel'])
  })

  test('G30 a space that does not exist is not found', () => {
    const feed = new Feed()
    feed.send(joined, subscribed(1))
    feed.said()
    expect(feed.send({ type: 'spaceMissing' })).toEqual(['not-found to 1', 'end', 'leaveChannel'])
    expect(feed.state.status).toBe('closed')
  })

  test('G31 who lost access at a version gets nothing after it', () => {
    const feed = members('@bob')
    feed.send(subscribed(2, at(10), '@bob'))
    feed.said()
    const run = runOf(10, 13, EPOCH, [change(11), change(12, 'member.remove', { id: '@bob' }), change(13)])
    expect(feed.send({ type: 'runReceived', run })).toEqual(['out 10-12', 'revoke all but @ada', 'out 12-13'])
  })

  test('G31 who is banned at a version gets nothing after it, also of a public space, and is let in again', () => {
    const feed = live()
    feed.send(subscribed(2, at(10), '@bob'))
    feed.said()
    const ban = change(12, 'member.put', { being: '@bob', role: 'banned' })
    const run = runOf(10, 13, EPOCH, [change(11), ban, change(13)])
    const said = feed.send({ type: 'runReceived', run })
    expect(said.map((word) => word.split(' ')[0])).toEqual(['out', 'revoke', 'out'])
    expect([said[0], said[2]]).toEqual(['out 10-12', 'out 12-13'])
    const again = change(14, 'member.put', { being: '@bob', role: 'viewer' })
    const letIn = runOf(13, 14, EPOCH, [again])
    feed.send({ type: 'runReceived', run: letIn }, answered(logOf(letIn, everybody)))
    feed.said()
    expect(feed.send(subscribed(3, at(13), '@bob'))).toEqual(['resumed 13-14 (ring) to 3'])
  })

  test('G31 also one who is subscribing at that moment', () => {
    const feed = new Feed()
    feed.send(joined, subscribed(1, undefined, '@bob'))
    feed.said()
    const run = runOf(10, 11, EPOCH, [change(11, 'member.remove', { id: '@bob' })])
    feed.send({ type: 'runReceived', run })
    const said = feed.send(answered(snapshotAnswer(10, only('@ada', '@bob'))))
    expect(said).toEqual(['out 10-11', 'revoke all but @ada', 'read resume 11'])
    expect(feed.send(answered(changesAnswer(11, 11, only('@ada'))))).toEqual(['not-found to 1'])
  })

  test('G155 nobody is let in by a message, however well it is made: what it says is looked up', () => {
    const feed = members('@bob')
    feed.send(subscribed(2, at(10), '@bob'))
    feed.said()
    const lie = runOf(10, 12, EPOCH, [
      change(11, 'member.put', { being: '@eve', role: 'member' }),
      change(12, 'member.remove', { id: '@bob' }),
    ])
    expect(feed.send({ type: 'runReceived', run: lie })).toEqual(['read gap 10'])
    expect(feed.send(subscribed(3, undefined, '@eve'))).toEqual([])
    feed.send(answered(changesAnswer(10, 10, only('@ada', '@bob'))))
    expect(feed.said().filter((word) => !word.startsWith('read'))).toEqual([])
    expect(feed.send(answered(changesAnswer(10, 10, only('@ada', '@bob'))))).toEqual(['not-found to 3'])
    expect(feed.send(received(10, 11))).toEqual(['out 10-11'])
  })

  test('G156 another change of a version that is held is no duplicate: all start over from the log', () => {
    const feed = live()
    feed.said()
    const lie = runOf(10, 11, EPOCH, [{ ...change(11), actor: '@eve' }])
    expect(feed.send({ type: 'runReceived', run: lie })).toEqual(['out 10-11'])
    expect(feed.send(received(10, 11))).toEqual(['read doubt -'])
    expect(feed.send(received(11, 12))).toEqual(['out 11-12'])
    expect(feed.send(answered(snapshotAnswer(11)))).toEqual(['reset to 11', 'read gap 11'])
    expect(feed.send(answered(changesAnswer(11, 12)))).toEqual(['out 11-12'])
    expect(feed.send(received(10, 11), received(11, 12))).toEqual([])
  })

  test('G156 also where the log says it, and where both wait for what is missing', () => {
    const feed = live()
    feed.said()
    feed.send(received(12, 13))
    expect(feed.until(100)).toEqual(['read gap 10'])
    feed.send({ type: 'runReceived', run: runOf(10, 11, EPOCH, [{ ...change(11), actor: '@eve' }]) })
    feed.said()
    expect(feed.send(answered(changesAnswer(10, 13)))).toEqual(['read doubt -'])
    feed.send(answered(snapshotAnswer(13)))
    feed.said()
    const lie = runOf(14, 15, EPOCH, [{ ...change(15), actor: '@eve' }])
    expect(feed.send({ type: 'runReceived', run: lie })).toEqual([])
    expect(feed.send(received(14, 15))).toEqual(['read gap 13'])
    expect(feed.send(answered(changesAnswer(13, 15)))).toEqual(['out 13-15'])
    expect(feed.send(received(14, 15))).toEqual([])
  })

  test('G31 a reset does not reach those whom the new history does not let read', () => {
    const feed = members('@bob')
    feed.said()
    feed.send(received(3, 4, OTHER_EPOCH))
    feed.said()
    expect(feed.send(answered(snapshotAnswer(4, only('@ada'), OTHER_EPOCH)))).toEqual([
      'revoke all but @ada',
      'reset to 4',
    ])
  })

  test('G31 a change of access that is not understood is looked up before anything of it goes out', () => {
    const feed = members('@bob')
    feed.said()
    const run = runOf(10, 11, EPOCH, [change(11, 'member.remove', { who: '@bob' })])
    expect(feed.send({ type: 'runReceived', run })).toEqual(['read gap 10'])
    const answer = changesAnswer(10, 11, only('@ada'))
    const unclear: LogAnswer = { ...answer, catchUp: { kind: 'changes', from: 10, run } }
    expect(feed.send(answered(unclear))).toEqual(['revoke all but @ada', 'out 10-11'])
  })

  test('G32 a removed space tells all and closes, by a change as by the api', () => {
    const byChange = live()
    byChange.said()
    const run = runOf(10, 11, EPOCH, [change(11, 'space.remove', { id: SPACE })])
    expect(byChange.send({ type: 'runReceived', run })).toEqual(['out 10-11', 'end', 'leaveChannel'])
    const byApi = live()
    byApi.said()
    expect(byApi.send({ type: 'headMissing' })).toEqual(['read heads 10'])
    expect(byApi.send({ type: 'spaceMissing' })).toEqual(['end', 'leaveChannel'])
    expect(byApi.send(subscribed(9))).toEqual([])
  })
})

describe('when the api is away', () => {
  test('G33 it tries again with backoff as long as somebody watches', () => {
    const feed = live()
    feed.send({ type: 'headLearned', position: at(12) })
    feed.said()
    expect(feed.until(15)).toEqual(['read heads 10'])
    const waits: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      feed.send(failed)
      const wakesAt = feed.wakesAt ?? 0
      waits.push(wakesAt - feed.now)
      expect(feed.until(wakesAt)).toEqual(['read heads 10'])
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 2500, 2500, 2500])
    feed.send(failed, { type: 'watcherLeft', watcher: 1, remaining: 0 })
    expect(feed.wakesAt).toBe(feed.now + 30_000)
  })

  test('G33 what the api asks for is the least pause, and the jitter is added to it', () => {
    const feed = live()
    feed.send({ type: 'headLearned', position: at(12) })
    feed.until(15)
    feed.send({ ...failed, retryAfterMs: 3000 })
    expect(feed.wakesAt).toBe(3115)
  })

  test('G33 a subscriber is told to come back, and the feed waits for the next', () => {
    const feed = new Feed({ patienceMs: 300 })
    feed.send(joined, subscribed(1), failed)
    feed.said()
    expect(feed.until(300)).toEqual(['unavailable to 1'])
    expect(feed.state).toMatchObject({ status: 'opening', waiting: [] })
  })
})

describe('lingering', () => {
  test('G34 it follows on after the last watcher left, and then leaves', () => {
    const feed = live()
    feed.said()
    feed.now = 1000
    feed.send({ type: 'watcherLeft', watcher: 1, remaining: 0 })
    expect(feed.send(received(10, 11))).toEqual(['out 10-11'])
    expect(feed.wakesAt).toBe(31_000)
    expect(feed.until(30_999)).toEqual([])
    expect(feed.until(31_000)).toEqual(['leaveChannel'])
    expect(feed.state.status).toBe('closed')
  })

  test('G34 somebody who comes meanwhile is answered from the ring and keeps it', () => {
    const feed = live()
    feed.send({ type: 'watcherLeft', watcher: 1, remaining: 0 }, received(10, 11))
    feed.said()
    expect(feed.send(subscribed(2, at(10)))).toEqual(['resumed 10-11 (ring) to 2'])
    expect(feed.wakesAt).toBeUndefined()
  })
})
