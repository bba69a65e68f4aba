/**
 * Two copies of a bot as processes, killed at random points while they are asked: each question has one reply, whole,
 * and at no version of the log any reply held a word that a holder of its claim did not write there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { seeded } from '@rhizom/kit/chance.ts'
import { appendText, type Change, changesAnswerSchema, type Intention, snapshotSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, ClusterNode, freePort, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { toldTo } from './told.ts'

const QUESTIONS = Number(process.env['BOT_QUESTIONS'] ?? 60)
/** Kills that are survived by every question, however unlucky. */
const MAX_ATTEMPTS = 1000

let cluster: Cluster
let copies: ClusterNode[] = []
let api: string
let ada: Session
const [space, bot] = [freshId('asked'), freshId('teller')]

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    apis: 1,
    gateways: 2,
    env: { api: { MAX_ATTEMPTS: `${MAX_ATTEMPTS}`, LEASES_INTERVAL_MS: '100' } },
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
  await apply(api, ada.token, { space, name: 'space.create', args: { name: 'Asked' } })
  const being = { id: bot, type: 'bot', name: 'Teller', properties: { wakes: 'all' } }
  await apply(api, ada.token, { space, name: 'being.create', args: being })
  const { body } = await call<{ token: string }>(api, 'POST', '/v1/sessions', {
    token: ada.token,
    body: { being: bot },
  })
  for (const [index, gateway] of cluster.gateways.entries()) {
    const env = { API_URL: api, SYNC_URL: `${gateway.url.replace('http', 'ws')}/v1/sync`, BOT_TOKEN: body.token }
    const log = `${cluster.logs}/bot-${index + 1}.log`
    const port = await freePort()
    const ports = { open: port, internal: port }
    copies.push(new ClusterNode(`bot-${index + 1}`, 'test/integration/telling-bot.ts', ports, env, log))
  }
  await Promise.all(copies.map((copy) => copy.start()))
})
afterAll(async () => {
  await Promise.all(copies.map((copy) => copy.kill()))
  copies = []
  await cluster?.stop()
})

async function everyReply(): Promise<Intention[]> {
  const replies: Intention[] = []
  for (let before: string | undefined; ; ) {
    const query = before === undefined ? '?limit=1000' : `?limit=1000&before=${before}`
    const { body } = await call(api, 'GET', `/v1/spaces/${space}/intentions${query}`, { token: ada.token })
    const page = snapshotSchema.pick({ intentions: true, hasMore: true }).parse(body)
    replies.push(...page.intentions.filter(({ owner }) => owner === bot))
    if (!page.hasMore) return replies
    before = page.intentions[0]?.id
  }
}

async function wholeLog(): Promise<Change[]> {
  const snapshot = snapshotSchema.parse((await call(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).body)
  const changes: Change[] = []
  for (;;) {
    const path = `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${changes.length}&limit=1000`
    const page = changesAnswerSchema.parse((await call(api, 'GET', path, { token: ada.token })).body)
    changes.push(...page.changes)
    if (page.to === page.head) return changes
  }
}

const textOf = ({ content }: Pick<Intention, 'content'>): string =>
  content.filter((node) => typeof node === 'string').join('')

test('B20 bots killed at random points, two copies running: each question has one reply, whole, and no word of a stale holder', async () => {
  const chance = seeded(Number(process.env['BOT_SEED'] ?? 7))
  const questions = new Map(Array.from({ length: QUESTIONS }, (_, n) => [uuidv7(), `question ${n}`]))
  const asking = (async () => {
    for (const [id, text] of questions) {
      const said = utterance(space, text)
      await apply(api, ada.token, { ...said, args: { ...said.args, id } })
      await sleep(chance.below(60))
    }
  })()
  let kills = 0
  let isOver = false
  const killing = (async () => {
    while (!isOver) {
      await sleep(150 + chance.below(700))
      const copy = chance.pick(copies)
      if (!copy.isRunning) continue
      await copy.kill()
      kills += 1
      await copy.start()
      if (kills % 5 === 0) await cluster.gateways[kills % 2]?.kill()
      for (const gateway of cluster.gateways) if (!gateway.isRunning) await gateway.start()
    }
  })()
  await asking
  const replies = await eventually(
    'every reply is complete',
    async () => {
      const all = await everyReply()
      return all.length === QUESTIONS && all.every(({ state }) => state === 'complete') ? all : undefined
    },
    120_000,
  ).finally(() => (isOver = true))
  await killing
  expect(new Set(replies.map(({ replyTo }) => replyTo))).toEqual(new Set(questions.keys()))
  for (const reply of replies) expect(textOf(reply)).toBe(toldTo(questions.get(reply.replyTo ?? '') ?? ''))
  expect(kills).toBeGreaterThan(2)
  expect(replies.some(({ attempt = 1 }) => attempt > 1)).toBe(true)

  const held = new Map<string, Intention>()
  for (const change of await wholeLog()) {
    if (change.kind === 'intention.put') held.set(change.body.id, change.body)
    if (change.kind !== 'intention.append') continue
    const before = held.get(change.body.id)
    if (before === undefined) throw new Error('an append to nothing')
    expect(before).toMatchObject({ state: 'active', claim: { by: bot } })
    const after = { ...before, content: appendText(before.content, change.body.text) }
    held.set(after.id, after)
    expect(toldTo(questions.get(after.replyTo ?? '') ?? '').startsWith(textOf(after))).toBe(true)
  }
  for (const reply of replies) expect(textOf(held.get(reply.id) ?? reply)).toBe(textOf(reply))
})
