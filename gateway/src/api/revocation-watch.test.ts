import type { Revoked, RevokedCursor } from '@rhizom/protocol'
import { beforeEach, expect, test } from 'vitest'
import type { ApiClient, RevokedOutcome } from '../ports.ts'
import { TestLog } from '../testing/test-gateway.ts'
import { Wall } from '../wall.ts'
import { RevocationWatch } from './revocation-watch.ts'
import { ManualClock } from '@rhizom/machine/testing'

const NOW = 1_000_000
const UNTIL = NOW + 1e9
const settings = { quickMs: 1000, slowMs: 30_000, gatherMs: 20 }
/** The longest a poll may be put off by its spread. */
const SLOWEST = 1.25

let clock: ManualClock
let answers: RevokedOutcome[]
let places: RevokedCursor[]
let out: string[]
let watch: RevocationWatch

const page = (revoked: Revoked, since: number, after?: string): RevokedOutcome => ({
  type: 'answered',
  revoked,
  next: after === undefined ? { since } : { since, after },
  isWhole: after === undefined,
})
const failed: RevokedOutcome = { type: 'failed', problem: 'away' }

beforeEach(() => {
  clock = new ManualClock(NOW)
  answers = []
  places = []
  out = []
  const api: ApiClient = {
    read: () => Promise.resolve({ type: 'missing' }),
    heads: () => Promise.resolve({ type: 'answered', heads: new Map() }),
    news: () => Promise.resolve({ type: 'failed', problem: 'not asked' }),
    revoked: (place) => {
      places.push(place)
      return Promise.resolve(answers.shift() ?? page({}, place.since))
    },
  }
  watch = new RevocationWatch({
    clock,
    random: () => 1,
    api,
    wall: new Wall(new TestLog(), () => {}),
    settings,
    revoked: (beings) => out.push(...beings),
    asked: () => undefined,
  })
})

test('G64 all pages are asked for at the start, and later what came since', async () => {
  answers = [page({ '@ada': UNTIL }, 5, '@ada'), page({ '@bob': UNTIL }, 900)]
  await clock.pass(20)
  expect(places).toEqual([{ since: 0 }, { since: 5, after: '@ada' }])
  expect(out).toEqual(['@ada', '@bob'])
  await clock.pass(settings.slowMs * SLOWEST)
  expect(places.slice(2)).toEqual([{ since: 900 }])
})

test('G64 who is not known yet is let in, and put out once it is', async () => {
  answers = [failed, page({ '@ada': UNTIL }, 900)]
  await clock.pass(20)
  expect(watch.isRevoked('@ada')).toBe(false)
  await clock.pass(settings.quickMs * SLOWEST)
  expect(out).toEqual(['@ada'])
  expect(watch.isRevoked('@ada')).toBe(true)
})

test('G64 a page that fails is asked for again, not those before it', async () => {
  answers = [page({ '@ada': UNTIL }, 5, '@ada'), failed, page({ '@bob': UNTIL }, 900)]
  await clock.pass(20 + settings.quickMs * SLOWEST)
  expect(places).toEqual([{ since: 0 }, { since: 5, after: '@ada' }, { since: 5, after: '@ada' }])
  expect(out).toEqual(['@ada', '@bob'])
})

test('G64 while Redis is away it is asked often, and once when it is back', async () => {
  await clock.pass(20)
  places = []
  watch.dispatch({ type: 'busLost' })
  await clock.pass(settings.quickMs * SLOWEST * 3)
  expect(places.length).toBe(4)
  answers = [page({ '@ada': UNTIL }, 900)]
  watch.dispatch({ type: 'busRecovered' })
  await clock.pass(20)
  expect(out).toEqual(['@ada'])
  expect(places.length).toBe(5)
  await clock.pass(settings.slowMs * 0.7)
  expect(places.length).toBe(5)
})

test('G64 what the bus said is not news again when the api says it', async () => {
  watch.learn({ '@ada': UNTIL })
  answers = [page({ '@ada': UNTIL, '@bob': UNTIL }, 900)]
  await clock.pass(20)
  expect(out).toEqual(['@ada', '@bob'])
})

test('G64 a watch that was stopped asks no more', async () => {
  watch.stop()
  await clock.pass(settings.slowMs * 2)
  expect(places).toEqual([])
})

test('G136 ended sessions are learned like removed beings; an api that knows of none says none', async () => {
  const session = '0193b2a0-0000-4000-8000-000000000001'
  answers = [
    {
      type: 'answered',
      revoked: { '@ada': UNTIL },
      sessions: { [session]: UNTIL },
      next: { since: 900 },
      isWhole: true,
    },
  ]
  await clock.pass(20)
  expect(out).toEqual(['@ada', session])
  expect(watch.isRevoked(session)).toBe(true)
  await clock.pass(2e9)
  expect(watch.isRevoked(session)).toBe(false)
})
