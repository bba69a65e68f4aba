/**
 * How soon an answer stops that is cancelled from another device: from the request of the cancel until the bot's answer
 * is told, over 50 answers in mid-sentence, asked on one api node and cancelled on the other. Nothing is written behind a
 * cancel, or it ends with 1.
 *
 *   node test/measure/cancel.ts [cancels]
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { runBot } from '@rhizom/bots'
import { eventually } from '@rhizom/kit/eventually.ts'
import { changesAnswerSchema, postSessionAnswerSchema, snapshotSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, signIn, utterance } from '../wire/api-caller.ts'
import { startStores } from './services.ts'

const cancels = Number(process.argv[2] ?? 50)
const WITHIN_MS = 1_000
const WORD_EVERY_MS = 20

const stores = await startStores()
const cluster = await startCluster({ ...stores, apis: 2, gateways: 2 })
const [first = '', second = ''] = cluster.apis.map(({ url }) => url)
const [space, being] = [freshId('stopped'), freshId('speaker')]
/** When the answer to a request was told to stop. */
const stopped = new Map<string, number>()
try {
  const owner = await signIn(first, 'Ada')
  await apply(first, owner.token, { space, name: 'space.create', args: { name: 'Stopped' } })
  const args = { id: being, type: 'bot', name: 'Speaker', properties: { wakes: 'all' } }
  await apply(first, owner.token, { space, name: 'being.create', args })
  const session = async () => {
    const { body } = await call(first, 'POST', '/v1/sessions', { token: owner.token, body: { being } })
    return postSessionAnswerSchema.parse(body)
  }
  const bot = await runBot({
    session,
    apiUrl: first,
    syncUrl: `${cluster.gateways[0]?.url.replace('http', 'ws')}/v1/sync`,
    async *answer({ reply, signal }) {
      signal.addEventListener('abort', () => stopped.set(reply.id, performance.now()))
      for (;;) {
        yield 'word '
        await sleep(WORD_EVERY_MS, undefined, { signal })
      }
    },
  })
  const took: number[] = []
  for (let round = 0; round < cancels; round += 1) {
    const asked = uuidv7()
    await apply(first, owner.token, utterance(space, `question ${round}`, asked))
    const { id } = await eventually('it speaks', async () => {
      const { body } = await call(second, 'GET', `/v1/spaces/${space}`, { token: owner.token })
      const replies = snapshotSchema.parse(body).intentions.filter(({ replyTo }) => replyTo === asked)
      return replies.find(({ content }) => content.length > 0)
    })
    const at = performance.now()
    await apply(second, owner.token, { space, name: 'intention.update', args: { id, state: 'cancelled' } })
    const end = await eventually('it stops', () => stopped.get(id), 20_000)
    took.push(end - at)
  }
  await bot.stop()
  const late = await writtenBehindCancels(owner.token)
  took.sort((a, b) => a - b)
  const at = (part: number): string => `${took[Math.floor((took.length - 1) * part)]?.toFixed(0)} ms`
  process.stdout.write(
    `${cancels} cancels (load ${loadavg()[0]?.toFixed(0)}): the answer stopped after ${at(0.5)} at the median, ` +
      `${at(0.95)} at p95, ${at(1)} at most; ${late} words written behind a cancel\n`,
  )
  process.exitCode = late === 0 && (took.at(-1) ?? 0) <= WITHIN_MS ? 0 : 1
} finally {
  await cluster.stop()
  await stores.stop()
}

async function writtenBehindCancels(token: string): Promise<number> {
  const { epoch } = snapshotSchema.parse((await call(first, 'GET', `/v1/spaces/${space}`, { token })).body)
  const cancelled = new Set<string>()
  let late = 0
  for (let after = 0, head = 1; after < head; ) {
    const path = `/v1/spaces/${space}/changes?epoch=${epoch}&after=${after}&limit=1000`
    const page = changesAnswerSchema.parse((await call(first, 'GET', path, { token })).body)
    for (const { kind, body } of page.changes) {
      if (kind === 'intention.put' && body.state === 'cancelled') cancelled.add(body.id)
      if (kind === 'intention.append' && cancelled.has(body.id)) late += 1
    }
    after = page.to
    head = page.head
  }
  return late
}
