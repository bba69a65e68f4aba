import { ManualClock, mulberry32 } from '@rhizom/machine/testing'
import {
  type InternalNewsAnswer,
  type InternalNewsBody,
  LIMITS,
  type News,
  NEWS_QUESTION,
  type NewsFrame,
} from '@rhizom/protocol'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { NewsSettings } from '../core/news/news.ts'
import type { ApiClient, NewsOutcome } from '../ports.ts'
import { TestLog } from '../testing/test-gateway.ts'
import { Wall } from '../wall.ts'
import { NewsDesk, type NewsFollower } from './news-desk.ts'

const EPOCH = '0193b2a0-0000-7000-8000-0000000000e1'
const settings: NewsSettings = {
  ...{ windowMs: 1000, checkMs: 60_000, pauseMs: 20 },
  retry: { minMs: 100, baseMs: 400, maxMs: 5000 },
}

/** A device that keeps what it was told, as a client does. */
class Device implements NewsFollower {
  readonly frames: NewsFrame[] = []
  held = new Map<string, News>()
  hasMore = false

  newsLearned(frame: NewsFrame): void {
    this.frames.push(frame)
    if (frame.whole === true) this.held = new Map()
    if (frame.whole === true) this.hasMore = frame.hasMore === true
    for (const [space, news] of Object.entries(frame.spaces)) {
      if (news === null) this.held.delete(space)
      else this.held.set(space, news)
    }
  }
}

let clock: ManualClock
let desk: NewsDesk
let asked: { atMs: number; question: InternalNewsBody }[]
/** What the api would say. */
let truth: Map<string, Map<string, News>>
let isAway: boolean
/** How long an answer takes; what it says is of the moment of the question. */
let takesMs: number

const news = (version: number, unread = 0, mentions = 0): News => ({ version, unread, mentions })

function set(being: string, space: string, is: News | undefined): void {
  const spaces = truth.get(being) ?? new Map<string, News>()
  truth.set(being, spaces)
  if (is === undefined) spaces.delete(space)
  else spaces.set(space, is)
}

const head = (space: string, version: number): void => desk.headsLearned([[space, { epoch: EPOCH, version }]])

function answer({ all, some }: InternalNewsBody): InternalNewsAnswer {
  return {
    all: Object.fromEntries(
      all.map((being) => {
        const spaces = [...(truth.get(being) ?? [])]
        const told = Object.fromEntries(spaces.slice(0, LIMITS.maxNewsSpaces))
        return [being, { spaces: told, hasMore: spaces.length > LIMITS.maxNewsSpaces }]
      }),
    ),
    some: Object.fromEntries(
      Object.entries(some).map(([space, beings]) => [
        space,
        Object.fromEntries(beings.map((being) => [being, truth.get(being)?.get(space) ?? null])),
      ]),
    ),
  }
}

beforeEach(begin)

function begin(): void {
  clock = new ManualClock()
  asked = []
  truth = new Map()
  isAway = false
  takesMs = 5
  const random = mulberry32(7)
  const api: ApiClient = {
    read: () => Promise.resolve({ type: 'missing' }),
    heads: () => Promise.resolve({ type: 'answered', heads: new Map() }),
    revoked: () => Promise.resolve({ type: 'failed', problem: 'not asked' }),
    news: (question) => {
      asked.push({ atMs: clock.nowMs(), question })
      const outcome: NewsOutcome = isAway
        ? { type: 'failed', problem: 'away' }
        : { type: 'answered', answer: answer(question) }
      return new Promise((resolve) => clock.after(takesMs, () => resolve(outcome)))
    },
  }
  const log = new TestLog()
  desk = new NewsDesk({ clock, random, api, wall: new Wall(log, () => {}), settings, asked: () => {} })
}

function follow(being: string): Device {
  const device = new Device()
  desk.follow(device, being)
  return device
}

const pass = (ms: number): Promise<void> => clock.pass(ms)

describe('following', () => {
  test('G165 the first connection is told all at once, from the api; later ones at once, from what is known', async () => {
    set('@ada', '@a', news(3, 2, 1))
    const one = follow('@ada')
    await pass(20)
    expect(one.frames).toEqual([{ type: 'news', spaces: { '@a': news(3, 2, 1) }, whole: true }])
    const two = follow('@ada')
    expect(two.frames).toEqual(one.frames)
    desk.follow(one, '@ada')
    expect(one.frames).toHaveLength(2)
    expect(asked).toHaveLength(1)
  })

  test('G165 who has no space is told that', async () => {
    const device = follow('@ada')
    await pass(20)
    expect(device.frames).toEqual([{ type: 'news', spaces: {}, whole: true }])
  })

  test('G171 with the last connection everything is gone, and a late answer tells nobody', async () => {
    set('@ada', '@a', news(1))
    const [one, two] = [follow('@ada'), follow('@ada')]
    await pass(20)
    desk.leave(one)
    head('@a', 2)
    desk.leave(two)
    expect([desk.size, [...desk.spaces]]).toEqual([0, []])
    await pass(100)
    expect(one.frames.length + two.frames.length).toBe(2)
    const again = follow('@ada')
    desk.leave(again)
    await pass(100)
    expect([again.frames, clock.timers]).toEqual([[], 0])
  })
})

describe('what changes', () => {
  test('G166 the first change after quiet is told at once, those after it together, and nothing twice', async () => {
    set('@ada', '@a', news(1))
    set('@ada', '@b', news(1))
    const device = follow('@ada')
    await pass(20)
    for (let version = 2; version <= 40; version += 1) {
      set('@ada', '@a', news(version, version - 1))
      head('@a', version)
      head('@b', 1)
      await pass(50)
    }
    expect(device.frames[1]).toEqual({ type: 'news', spaces: { '@a': news(2, 1) } })
    expect(device.frames.length).toBeLessThanOrEqual(1 + 3)
    await pass(1000)
    expect(device.held).toEqual(truth.get('@ada'))
    const told = device.frames.length
    head('@a', 40)
    await pass(2000)
    expect(device.frames).toHaveLength(told)
  })

  test('G167 what was read elsewhere, a space that came and one that was lost are told on all connections', async () => {
    set('@ada', '@a', news(5, 4))
    const [one, two] = [follow('@ada'), follow('@ada')]
    await pass(20)
    set('@ada', '@a', news(5, 0))
    set('@ada', '@new', news(1, 1))
    desk.concerned({ '@a': ['@ada', '@bob'], '@new': ['@ada'], '@none': ['@ada'] })
    await pass(1100)
    for (const device of [one, two])
      expect(device.frames.slice(1)).toEqual([{ type: 'news', spaces: { '@a': news(5, 0), '@new': news(1, 1) } }])
    set('@ada', '@a', undefined)
    desk.headsLearned([['@a', undefined]])
    await pass(1100)
    for (const device of [one, two]) expect(device.frames.at(-1)).toEqual({ type: 'news', spaces: { '@a': null } })
    expect([...desk.spaces]).toEqual(['@new'])
  })

  test('G170 after the bus was lost, and now and then in any case, what nobody was told of is found', async () => {
    set('@ada', '@a', news(5, 4))
    const device = follow('@ada')
    await pass(20)
    set('@ada', '@a', news(9, 8))
    desk.busRecovered()
    await pass(1100)
    expect(device.held).toEqual(truth.get('@ada'))
    set('@ada', '@a', undefined)
    set('@ada', '@b', news(1))
    clock.advance(60_000)
    await pass(1100)
    expect(device.held).toEqual(truth.get('@ada'))
  })

  test('G170 a space that lost what was announced is asked about twice, and not for ever', async () => {
    set('@ada', '@a', news(5))
    follow('@ada')
    await pass(20)
    head('@a', 9)
    await pass(10_000)
    expect(asked.length).toBeLessThanOrEqual(3)
    desk.headsLearned([['@a', { epoch: EPOCH.replace('e1', 'e2'), version: 2 }]])
    set('@ada', '@a', news(2))
    await pass(3000)
    expect(asked.length).toBeGreaterThan(2)
  })

  test('G170 a head that comes late hides none that is farther, also while the first question is under way', async () => {
    set('@bob', '@a', news(1))
    const device = follow('@bob')
    set('@bob', '@a', news(2))
    head('@a', 2)
    head('@a', 1)
    await pass(2000)
    expect(device.held).toEqual(truth.get('@bob'))
  })

  test('G169 while the api is away nothing is lost and nothing hammered', async () => {
    set('@ada', '@a', news(1))
    const device = follow('@ada')
    await pass(20)
    isAway = true
    const later = follow('@bob')
    set('@ada', '@a', news(2, 1))
    head('@a', 2)
    await pass(10_000)
    expect(asked.length).toBeLessThan(40)
    expect([device.frames.length, later.frames.length]).toEqual([1, 0])
    isAway = false
    await pass(8000)
    expect([device.held, later.frames]).toEqual([truth.get('@ada'), [{ type: 'news', spaces: {}, whole: true }]])
  })
})

describe('what is missed', () => {
  test('G176 what another follower was told first is told to the others as well', async () => {
    for (const being of ['@ada', '@bob']) set(being, '@a', news(1))
    const [ada] = [follow('@ada'), follow('@bob')]
    await pass(20)
    for (const being of ['@ada', '@bob']) set(being, '@a', news(2, 1))
    // Bob read it before its head was announced.
    desk.concerned({ '@a': ['@bob'] })
    await pass(1100)
    head('@a', 2)
    await pass(1100)
    expect(ada.held).toEqual(truth.get('@ada'))
  })

  test('G176 a head that is announced while the first answer is on its way is not lost', async () => {
    set('@ada', '@a', news(1))
    takesMs = 500
    const ada = follow('@ada')
    await pass(10)
    set('@ada', '@a', news(2, 1))
    head('@a', 2)
    await pass(3000)
    expect(ada.held).toEqual(truth.get('@ada'))
  })

  test('G176 a head stays known for those whose answer is on its way when the last who followed the space goes', async () => {
    for (const one of ['@ada', '@bob']) set(one, '@a', news(0))
    const [ada, bob] = [follow('@ada'), follow('@bob')]
    await pass(25)
    for (const one of ['@ada', '@bob']) set(one, '@a', news(1, 1))
    head('@a', 1)
    desk.leave(ada)
    await pass(3000)
    expect(bob.held).toEqual(truth.get('@bob'))
  })

  const being = fc.constantFrom('@ada', '@bob', '@eve')
  const space = fc.constantFrom('@a', '@b')
  const happening = fc.oneof(
    fc.record({ what: fc.constant('said' as const), space, heardAfterMs: fc.nat(1000) }),
    ...(['came', 'went', 'read'] as const).map((what) => fc.record({ what: fc.constant(what), being, space })),
    ...(['follows', 'leaves'] as const).map((what) => fc.record({ what: fc.constant(what), being })),
    fc.record({ what: fc.constant('time' as const), ms: fc.nat(1500), takesMs: fc.nat(800) }),
  )

  test('G176 whatever happens in whatever order, all who follow know what is true, and no check is needed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 30, size: 'max' }), async (all) => {
        begin()
        const versions = new Map<string, number>()
        const followers = new Map<string, Device>()
        for (const one of ['@ada', '@bob', '@eve']) {
          for (const id of ['@a', '@b']) set(one, id, news(0))
          followers.set(one, follow(one))
        }
        const moved = (id: string): number => {
          const version = (versions.get(id) ?? 0) + 1
          versions.set(id, version)
          for (const [one, spaces] of truth) {
            const known = spaces.get(id)
            if (known !== undefined) set(one, id, news(version, known.unread + 1))
          }
          return version
        }
        const concerned = (one: { being: string; space: string }, is: News | undefined): void => {
          set(one.being, one.space, is)
          clock.after(5, () => desk.concerned({ [one.space]: [one.being] }))
        }
        for (const one of all)
          switch (one.what) {
            case 'said': {
              const version = moved(one.space)
              clock.after(one.heardAfterMs, () => head(one.space, version))
              break
            }
            case 'came':
              concerned(one, news(versions.get(one.space) ?? 0))
              break
            case 'went':
              concerned(one, undefined)
              break
            case 'read':
              if (truth.get(one.being)?.has(one.space) === true) concerned(one, news(versions.get(one.space) ?? 0))
              break
            case 'follows':
              if (!followers.has(one.being)) followers.set(one.being, follow(one.being))
              break
            case 'leaves': {
              const device = followers.get(one.being)
              if (device !== undefined) desk.leave(device)
              followers.delete(one.being)
              break
            }
            case 'time':
              takesMs = one.takesMs
              await pass(one.ms)
              break
            default:
              one satisfies never
          }
        await pass(10_000)
        for (const [one, { held }] of followers) expect(held).toEqual(truth.get(one) ?? new Map())
      }),
      { numRuns: 300 },
    )
  })
})

describe('what it costs', () => {
  test('G168 a hot space that 1,000 follow is one question a second', async () => {
    const beings = Array.from({ length: 1000 }, (_, index) => `@b${index}`)
    for (const being of beings) set(being, '@hot', news(1))
    const devices = beings.map((being) => follow(being))
    await pass(1000)
    expect(devices.every(({ frames }) => frames.length === 1)).toBe(true)
    const before = asked.length
    for (let version = 2; version <= 101; version += 1) {
      for (const being of beings) set(being, '@hot', news(version, 100))
      head('@hot', version)
      await pass(50)
    }
    expect(asked.length - before).toBeLessThanOrEqual(6)
    await pass(1100)
    expect(devices.every(({ held }) => held.get('@hot')?.version === 101)).toBe(true)
  })

  test('G168 questions are of bounded size, and one is under way at a time, however many spaces change for how many', async () => {
    takesMs = 30
    const beings = Array.from({ length: 700 }, (_, index) => `@b${index}`)
    const spaces = Array.from({ length: 10 }, (_, index) => `@s${index}`)
    for (const being of beings) for (const space of spaces) set(being, space, news(1))
    const devices = beings.map((being) => follow(being))
    await pass(1500)
    for (const being of beings) for (const space of spaces) set(being, space, news(2, 1))
    for (const space of spaces) head(space, 2)
    await pass(1500)
    for (const [index, { atMs, question }] of asked.entries()) {
      expect(question.all.length).toBeLessThanOrEqual(NEWS_QUESTION.maxBeings)
      expect(Object.values(question.some).flat().length).toBeLessThanOrEqual(NEWS_QUESTION.maxPairs)
      expect(atMs - (asked[index - 1]?.atMs ?? -100)).toBeGreaterThanOrEqual(takesMs + settings.pauseMs)
    }
    for (const [index, { held }] of devices.entries()) expect(held).toEqual(truth.get(`@b${index}`))
  })

  test('G173 who asks to follow again and again is answered from what is known, and asked about once a window', async () => {
    set('@ada', '@a', news(1))
    const device = follow('@ada')
    await pass(20)
    for (let time = 0; time < 200; time += 1) {
      desk.follow(device, '@ada')
      await pass(25)
    }
    expect(device.frames).toHaveLength(201)
    expect(asked.length).toBeLessThanOrEqual(7)
  })

  test('G172 a being is told of so many spaces at most', async () => {
    for (let index = 0; index < LIMITS.maxNewsSpaces + 50; index += 1) set('@ada', `@s${index}`, news(1))
    const device = follow('@ada')
    await pass(20)
    expect([device.held.size, device.hasMore]).toEqual([LIMITS.maxNewsSpaces, true])
    desk.concerned({ [`@s${LIMITS.maxNewsSpaces + 7}`]: ['@ada'] })
    await pass(3000)
    expect(device.held.size).toBe(LIMITS.maxNewsSpaces)
    expect([...desk.spaces]).toHaveLength(LIMITS.maxNewsSpaces)
    expect(asked.at(-1)?.question.all).toEqual(['@ada'])
  })
})

test.each([1, 2, 3, 4, 5, 6])(
  'G166 whatever comes in whatever order, every device ends with what is so (seed %i)',
  async (seed) => {
    const random = mulberry32(seed)
    const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
    const beings = ['@a', '@b', '@c']
    const spaces = ['@s', '@t', '@u', '@v']
    const heads = new Map(spaces.map((space) => [space, 1]))
    let devices: { being: string; device: Device }[] = []
    for (let step = 0; step < 400; step += 1) {
      const [being = '', space = ''] = [one(beings), one(spaces)]
      const dice = random()
      takesMs = 5 + Math.floor(random() * 3) * 40
      isAway = random() < 0.1
      if (dice < 0.1) devices.push({ being, device: follow(being) })
      else if (dice < 0.15 && devices[0] !== undefined) {
        desk.leave(devices[0].device)
        devices = devices.slice(1)
      } else if (dice < 0.5) {
        const version = (heads.get(space) ?? 0) + 1
        heads.set(space, version)
        for (const reader of beings)
          if (truth.get(reader)?.has(space) === true) set(reader, space, news(version, version % 7))
        head(space, version)
      } else if (dice < 0.7) {
        const isOwn = truth.get(being)?.has(space) === true
        set(being, space, isOwn ? undefined : news(heads.get(space) ?? 0))
        desk.concerned({ [space]: [being] })
      } else await pass(Math.floor(random() * 30) * 10)
    }
    isAway = false
    // The api says for a while again where spaces stand: an answer under way may be older than what was said once.
    for (let second = 0; second < 12; second += 1) {
      for (const [space, version] of heads) head(space, version)
      await pass(1000)
    }
    for (const { being, device } of devices) expect(device.held).toEqual(truth.get(being) ?? new Map())
    for (const { device } of devices) desk.leave(device)
    await pass(6000)
    expect([desk.size, clock.timers]).toEqual([0, 0])
  },
)
