/**
 * What a thousand questions become when two copies of a bot are killed by -9 and frozen at random points, and gateways
 * and api nodes are restarted meanwhile: one reply each, whole, or it ends with 1 and says what was wrong.
 *
 *   node test/measure/thousand-questions.ts [questions] [seed]
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '@rhizom/kit/chance.ts'
import { startAskedCluster } from '../bots/asked-cluster.ts'
import { makeTrouble } from '../bots/trouble.ts'
import { startStores } from './services.ts'

const [count = 1000, seed = 7] = process.argv.slice(2).map(Number)
const ASK_WITHIN_MS = 250
const PROGRESS_EVERY_MS = 10_000
/** Looking at all replies costs the api much: it is not to be what keeps bots from answering. */
const LOOK_EVERY_MS = 2_000
/** After the last question and the last blow. */
const ANSWERED_WITHIN_MS = 120_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const stores = await startStores()
const { cluster, copies, questions, stop } = await startAskedCluster(stores, { apis: 2 })
const startedAt = performance.now()
const took = (): string => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`
const blows = { killed: 0, frozen: 0, gateways: 0, apis: 0 }
const told = (): string =>
  `copies killed ${blows.killed} times, frozen ${blows.frozen}; gateways restarted ${blows.gateways} times, api nodes ${blows.apis}`
const progress = setInterval(() => say(`${took()}: ${questions.asked.size} asked; ${told()}`), PROGRESS_EVERY_MS)
let isOver = false
try {
  const random = seeded(seed)
  const { apis, gateways } = cluster
  const trouble = makeTrouble({ copies, apis, gateways, random, isOver: () => isOver }, blows)
  while (questions.asked.size < count) {
    await questions.ask()
    await sleep(random.below(ASK_WITHIN_MS))
  }
  isOver = true
  await trouble
  const deadline = performance.now() + ANSWERED_WITHIN_MS
  let open = count
  while (open > 0 && performance.now() < deadline) {
    await sleep(LOOK_EVERY_MS)
    open = (await questions.replies()).filter(({ state }) => state === 'draft' || state === 'active').length
  }
  const replies = await questions.replies()
  const attempts = replies.map(({ attempt = 1 }) => attempt)
  const problems = await questions.problems()
  for (const problem of problems) say(problem)
  say(
    `${count} questions in ${took()} (load ${loadavg()[0]?.toFixed(0)}): ${replies.length} replies, ` +
      `${attempts.filter((attempt) => attempt > 1).length} of them begun anew (up to ${Math.max(...attempts)} attempts); ` +
      `${told()}; ${problems.length} problems`,
  )
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  clearInterval(progress)
  await stop()
  await stores.stop()
}
