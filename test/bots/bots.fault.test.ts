/**
 * Two copies of a bot as processes, killed and frozen at random points while they are asked, gateways and the api
 * restarted meanwhile. `node test/measure/thousand-questions.ts` is the same for longer.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { seeded } from '@rhizom/kit/chance.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { provided } from '../cluster/cluster.ts'
import { type AskedCluster, startAskedCluster } from './asked-cluster.ts'
import { makeTrouble } from './trouble.ts'

const QUESTIONS = 60
const STARTED_WITHIN_MS = 120_000
const ANSWERED_WITHIN_MS = 150_000

let asked: AskedCluster
beforeAll(async () => {
  const stores = { adminDatabaseUrl: provided('TEST_DATABASE_URL'), redisUrl: provided('TEST_REDIS_URL') }
  asked = await startAskedCluster(stores, { apis: 1 })
}, STARTED_WITHIN_MS)
afterAll(() => asked?.stop())

test(
  'B20 copies killed and frozen at random points, gateways and the api restarted: each question has one reply, whole, and nothing else was ever to be read',
  async () => {
    const { cluster, copies, questions } = asked
    const random = seeded(7)
    const blows = { killed: 0, frozen: 0, gateways: 0, apis: 0 }
    let isAsked = false
    const { apis, gateways } = cluster
    // Each kind of blow falls, however quick the machine is.
    const isOver = (): boolean => isAsked && blows.apis > 0 && blows.frozen > 0 && blows.gateways > 0
    const trouble = makeTrouble({ copies, apis, gateways, random, isOver }, blows)
    while (questions.asked.size < QUESTIONS || !isOver()) {
      await questions.ask()
      isAsked = questions.asked.size >= QUESTIONS
      await sleep(random.below(120))
    }
    await trouble
    const replies = await eventually(
      'every reply has ended',
      async () => {
        const all = await questions.replies()
        const isEnded = all.length >= questions.asked.size && all.every(({ state }) => state === 'complete')
        return isEnded ? all : undefined
      },
      ANSWERED_WITHIN_MS,
    )
    expect(await questions.problems()).toEqual([])
    expect(replies.some(({ attempt = 1 }) => attempt > 1)).toBe(true)
  },
  ANSWERED_WITHIN_MS + 60_000,
)
