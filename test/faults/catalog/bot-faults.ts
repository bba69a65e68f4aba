/**
 * Copies of a bot that die, stand still past their lease and go on, or are cut off, while somebody asks steadily: each
 * question gets one reply, whole, the text that the bot tells to it, and those asked meanwhile are answered by the
 * other copy. The copies come with the fault and go with it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { copyOf } from '../../bots/asked-cluster.ts'
import { Questions } from '../../bots/questions.ts'
import type { ClusterNode } from '../../cluster/cluster.ts'
import { targetOf, TcpProxy } from '../../kit/tcp-proxy.ts'
import { freshId } from '../../wire/api-caller.ts'
import { briefly } from '../briefly.ts'
import type { Fault, Stage } from '../fault.ts'

/** Long for what is answered within half a second, so that nobody who is starved loses it. */
const LEASE_MS = 2_500
/** What the copy held is taken from it before anything is mended. */
const HOLD_MS = 300
const ASK_EVERY_MS = 120
const ANSWERED_WITHIN_MS = 20_000

interface Asked {
  questions: Questions
  /** The one that suffers, and the one that does not. */
  victim: ClusterNode
  /** What the victim reaches api and gateway by. */
  ways: readonly TcpProxy[]
  /** Asks no more, and gives back what was said of how it went. */
  end(): Promise<void>
}

async function askSteadily({ rig, clients, random, note, problem }: Stage): Promise<Asked> {
  const [space, bot] = [freshId('asked'), freshId('teller')]
  const questions = new Questions({ apis: () => clients.apis, owner: clients.owner, space, bot })
  await questions.begin()
  const api = await TcpProxy.listen('bot→api', targetOf(random.pick(rig.apis).url))
  const door = await TcpProxy.listen('bot→gateway', targetOf(random.pick(rig.doors)))
  const ways = [api, door]
  const addresses = [
    { apiUrl: `http://127.0.0.1:${api.port}`, syncUrl: `ws://127.0.0.1:${door.port}/v1/sync` },
    { apiUrl: rig.apis[1]?.url ?? '', syncUrl: `${rig.doors[0]?.replace('http', 'ws')}/v1/sync` },
  ]
  const copies: ClusterNode[] = []
  for (const [index, address] of addresses.entries()) {
    const { token } = await questions.newSession()
    copies.push(
      await copyOf(`bot-${index + 1}-${space.slice(1)}`, { ...address, token }, { logs: rig.logs, leaseMs: LEASE_MS }),
    )
  }
  const close = async (): Promise<void> => {
    for (const way of ways) way.heal()
    await Promise.all(copies.map((copy) => copy.kill()))
    await Promise.all(ways.map((way) => way.close()))
  }
  const [victim] = copies
  if (victim === undefined) throw new Error('no copy of the bot')
  let isOver = false
  const asking = async (): Promise<void> => {
    while (!isOver) {
      await questions.ask()
      await sleep(ASK_EVERY_MS)
    }
  }
  try {
    await Promise.all(copies.map((copy) => copy.start()))
    const asked = asking()
    asked.catch((error: unknown) => problem(String(error)))
    // It is struck in mid-sentence.
    await eventually('the bot answers', async () => (await underWay(victim)) > 0, ANSWERED_WITHIN_MS)
    return {
      questions,
      victim,
      ways,
      async end() {
        isOver = true
        await asked
        const endedAt = performance.now()
        while ((await open(questions)) > 0 && rig.took(endedAt) < ANSWERED_WITHIN_MS) await sleep(ASK_EVERY_MS)
        const replies = await questions.replies()
        const anew = replies.filter(({ attempt = 1 }) => attempt > 1).length
        note(`${questions.asked.size} questions, ${anew} answers begun anew`)
        for (const text of briefly(await questions.problems())) problem(text)
        await close()
      },
    }
  } catch (error) {
    isOver = true
    await close()
    throw error
  }
}

const open = async (questions: Questions): Promise<number> =>
  (await questions.replies()).filter(({ state }) => state === 'draft' || state === 'active').length

async function underWay({ url }: ClusterNode): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^rhizom_bot_replies_under_way (\d+)$/m.exec(metrics)?.[1] ?? 0)
}

/** What is asked while the fault stands is answered before anything is mended, and so is what the copy held. */
async function answeredMeanwhile({ questions }: Asked, { rig, problem }: Stage): Promise<void> {
  const before = questions.asked.size
  const begunAt = performance.now()
  const isAnswered = async (): Promise<boolean> => {
    const meanwhile = new Set([...questions.asked.keys()].slice(before))
    const complete = (await questions.replies()).filter(({ state }) => state === 'complete')
    const isTaken = complete.some(({ attempt = 1 }) => attempt > 1)
    return isTaken && complete.some(({ replyTo }) => meanwhile.has(replyTo ?? ''))
  }
  while (!(await isAnswered())) {
    if (rig.took(begunAt) > ANSWERED_WITHIN_MS) return problem('what was asked meanwhile has no answer')
    await sleep(ASK_EVERY_MS)
  }
}

const bot = (how: string, strike: (asked: Asked) => Promise<void>, mend: (asked: Asked) => Promise<void>): Fault => ({
  name: `bot ${how}`,
  weight: 1,
  holdMs: HOLD_MS,
  async strike(stage) {
    const asked = await askSteadily(stage)
    await strike(asked)
    return async () => {
      try {
        await answeredMeanwhile(asked, stage)
        await mend(asked)
      } finally {
        await asked.end()
      }
    }
  },
})

export const botFaults: readonly Fault[] = [
  bot(
    'killed (SIGKILL)',
    ({ victim }) => victim.kill(),
    ({ victim }) => victim.start(),
  ),
  bot(
    'frozen past its lease (SIGSTOP, SIGCONT)',
    async ({ victim }) => victim.signal('SIGSTOP'),
    async ({ victim }) => victim.signal('SIGCONT'),
  ),
  bot(
    'cut off from api and gateway',
    async ({ ways }) => ways.forEach((way) => way.blackhole()),
    async ({ ways }) => ways.forEach((way) => way.heal()),
  ),
]
