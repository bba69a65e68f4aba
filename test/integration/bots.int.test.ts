/**
 * Bots over real processes: an api, two gateways, and copies of a bot in this process. What they are asked is answered
 * once, streams, stops and is handed back, as everybody sees it.
 */
import {
  AnswerError,
  type Answer,
  type BotOptions,
  type BotSession,
  runBot,
  type RunningBot,
  serveHealth,
} from '@rhizom/bots'
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { type Intention, postSessionAnswerSchema, snapshotSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type MutationInput, type Session, signIn, utterance } from '../wire/api-caller.ts'

let cluster: Cluster
let api: string
let ada: Session
const bots: RunningBot[] = []

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    apis: 1,
    gateways: 2,
    env: { api: { MUTATIONS_PER_SECOND: '1000', MUTATIONS_BURST: '1000' } },
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
})
afterEach(async () => {
  await Promise.all(bots.splice(0).map((bot) => bot.stop()))
})
afterAll(() => cluster?.stop())

interface Stage {
  space: string
  bot: string
  token: string
}

async function newStage(wakes: 'all' | 'mention' = 'all'): Promise<Stage> {
  const [space, bot] = [freshId('stage'), freshId('bot')]
  await apply(api, ada.token, { space, name: 'space.create', args: { name: 'Stage' } })
  await apply(api, ada.token, {
    space,
    name: 'being.create',
    args: { id: bot, type: 'bot', name: 'Bot', properties: { wakes } },
  })
  return { space, bot, token: (await sessionOf(bot)).token }
}

const sessionOf = async (bot: string) =>
  postSessionAnswerSchema.parse(
    (await call(api, 'POST', '/v1/sessions', { token: ada.token, body: { being: bot } })).body,
  )

async function run({ bot }: Stage, answer: Answer, more: Partial<BotOptions> = {}): Promise<RunningBot> {
  const gateway = cluster.gateways[bots.length % 2]?.url ?? ''
  const running = await runBot({
    ...{ session: () => sessionOf(bot), answer, apiUrl: api, syncUrl: `${gateway.replace('http', 'ws')}/v1/sync` },
    // Where a hint is lost, a test fails.
    ...{ askEveryMs: 600_000, ...more },
  })
  bots.push(running)
  await eventually('it is ready', () => running.isReady)
  return running
}

const ask = async ({ space }: Stage, text: string): Promise<string> => {
  const id = uuidv7()
  const said = utterance(space, text)
  await apply(api, ada.token, { ...said, args: { ...said.args, id } })
  return id
}

async function repliesTo({ space }: Stage, asked: string): Promise<Intention[]> {
  const { body } = await call(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
  return snapshotSchema.parse(body).intentions.filter(({ replyTo }) => replyTo === asked)
}

/** The one reply, once it is as it should be. */
const reply = (stage: Stage, asked: string, is: (reply: Intention) => boolean): Promise<Intention> =>
  eventually('the reply is as it should be', async () => {
    const replies = await repliesTo(stage, asked)
    expect(replies).toHaveLength(1)
    return replies.find(is)
  })

const isState = (state: Intention['state']) => (one: Intention) => one.state === state
const textOf = ({ content }: Intention): string => content.filter((node) => typeof node === 'string').join('')

/** Says words one by one as they are let go. */
function gated() {
  const gate = { words: [] as string[], isOver: false, signal: undefined as AbortSignal | undefined }
  const answer: Answer = async function* ({ signal }) {
    gate.signal = signal
    while (!gate.isOver || gate.words.length > 0) {
      const word = gate.words.shift()
      if (word === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      else yield word
    }
  }
  return { gate, answer }
}

test('B7 it is given what was said and answers what it is asked, once, with a text or a stream', async () => {
  const stage = await newStage()
  await run(stage, ({ lines, request }) => `${lines.length}: ${request.name} said ${request.text}`)
  const first = await ask(stage, 'hello')
  expect(textOf(await reply(stage, first, isState('complete')))).toBe('1: Ada said hello')
  const second = await ask(stage, 'again')
  expect(textOf(await reply(stage, second, isState('complete')))).toBe('3: Ada said again')
})

test('B8 two copies share what is asked: each reply once, whole', async () => {
  const stage = await newStage()
  const counts = [0, 0]
  const echo = (copy: number): Answer =>
    async function* ({ request }) {
      counts[copy] = (counts[copy] ?? 0) + 1
      for (const word of request.text.split(/(?<= )/)) {
        await new Promise((resolve) => setTimeout(resolve, 3))
        yield word
      }
    }
  await Promise.all([run(stage, echo(0), { atOnce: 3 }), run(stage, echo(1), { atOnce: 3 })])
  const texts = Array.from({ length: 24 }, (_, n) => `question ${n} ${'word '.repeat(n)}end`)
  const asked = await Promise.all(texts.map((text) => ask(stage, text)))
  for (const [index, id] of asked.entries())
    expect(textOf(await reply(stage, id, isState('complete')))).toBe(texts[index])
  expect(counts.reduce((sum, count) => sum + count)).toBe(24)
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

test('B9 words are there for all to see while the answer goes on; its end follows', async () => {
  const stage = await newStage()
  const { gate, answer } = gated()
  await run(stage, answer)
  const asked = await ask(stage, 'tell me')
  gate.words.push('First ')
  expect(textOf(await reply(stage, asked, (one) => one.content.length > 0))).toBe('First ')
  gate.words.push('then 😀')
  await reply(stage, asked, (one) => textOf(one) === 'First then 😀' && one.state === 'active')
  gate.isOver = true
  expect(textOf(await reply(stage, asked, isState('complete')))).toBe('First then 😀')
})

test('B10 whoever asked stops it, silent or in mid-sentence, and the answer is told', async () => {
  const stage = await newStage()
  const { gate, answer } = gated()
  await run(stage, answer, { leaseMs: 60_000 })
  const asked = await ask(stage, 'go on for ever')
  gate.words.push('Well ')
  const { id } = await reply(stage, asked, (one) => one.content.length > 0)
  await apply(api, ada.token, { space: stage.space, name: 'intention.update', args: { id, state: 'cancelled' } })
  await eventually('the answer is told', () => gate.signal?.aborted === true)
  gate.words.push('never')
  expect(await reply(stage, asked, isState('cancelled'))).toMatchObject({ content: ['Well '] })
})

test('B74 in more spaces than two connections may watch it hears of every stop', async () => {
  const [bot, spaces] = [freshId('bot'), Array.from({ length: 150 }, () => freshId('stage'))]
  await apply(api, ada.token, { space: null, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } })
  const token = (await sessionOf(bot)).token
  const inEach = async (who: string, make: (space: string) => MutationInput): Promise<void> => {
    for (let from = 0; from < spaces.length; from += 50)
      await apply(api, who, ...spaces.slice(from, from + 50).map(make))
  }
  await inEach(ada.token, (space) => ({ space, name: 'space.create', args: { name: 'Stage' } }))
  const ids = new Map(spaces.map((space) => [space, uuidv7()]))
  // What replies to nothing is a job of its own.
  await inEach(token, (space) => {
    const said = utterance(space, 'a job', ids.get(space))
    return { ...said, args: { ...said.args, state: 'draft' } }
  })
  const signals: AbortSignal[] = []
  const silent: Answer = ({ signal }) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  // Without a word of the gateway it would be minutes until its claims are renewed.
  await run({ space: '', bot, token }, silent, { leaseMs: 600_000, atOnce: 200 })
  await eventually('all are under way', () => signals.length === spaces.length)
  await inEach(ada.token, (space) => ({
    ...{ space, name: 'intention.update' },
    args: { id: ids.get(space), state: 'cancelled' },
  }))
  await eventually('every answer is told', () => signals.every(({ aborted }) => aborted))
  expect(signals).toHaveLength(spaces.length)
})

test('B75 where no gateway tells what becomes of a space, its claims are proved again and again', async () => {
  const stage = await newStage()
  const { gate, answer } = gated()
  await run(stage, answer, { leaseMs: 600_000, syncUrl: 'ws://127.0.0.1:1/v1/sync', askEveryMs: 100 })
  const asked = await ask(stage, 'go on for ever')
  const { id } = await reply(stage, asked, () => gate.signal !== undefined)
  await apply(api, ada.token, { space: stage.space, name: 'intention.update', args: { id, state: 'cancelled' } })
  await eventually('the answer is told', () => gate.signal?.aborted === true)
  expect(await reply(stage, asked, isState('cancelled'))).toMatchObject({ content: [] })
})

test('B11 why there is no answer is said in the reply: its own words, or general ones for a fault', async () => {
  const stage = await newStage()
  await run(stage, ({ request }) => {
    if (request.text === 'fault') throw new TypeError('secret detail')
    throw new AnswerError('I do not answer that')
  })
  const [refused, fault] = [await ask(stage, 'x'), await ask(stage, 'fault')]
  expect((await reply(stage, refused, isState('failed'))).reason).toBe('I do not answer that')
  expect((await reply(stage, fault, isState('failed'))).reason).toBe('Something went wrong while answering')
})

test('B11 an answer that takes too long, or is too long, has failed', async () => {
  const [slow, wordy] = [await newStage(), await newStage()]
  await run(slow, () => new Promise(() => undefined), { maxAnswerMs: 300 })
  await run(wordy, () => 'x'.repeat(100_000))
  const [late, long] = [await ask(slow, 'x'), await ask(wordy, 'x')]
  expect((await reply(slow, late, isState('failed'))).reason).toMatch(/too long/)
  expect((await reply(wordy, long, isState('failed'))).reason).toMatch(/longer than/)
})

test('B12 told to stop it hands back what is under way, and another copy answers', async () => {
  const stage = await newStage()
  const { gate, answer } = gated()
  const first = await run(stage, answer, { leaseMs: 60_000 })
  const asked = await ask(stage, 'hello')
  gate.words.push('half')
  await reply(stage, asked, (one) => one.content.length > 0)
  await first.stop()
  expect(await reply(stage, asked, isState('draft'))).toMatchObject({ content: [], former: ['half'], attempt: 1 })
  await run(stage, () => 'whole')
  expect(textOf(await reply(stage, asked, isState('complete')))).toBe('whole')
})

test('B13 it keeps its claim while it thinks longer than its lease, and carries out no more at once than it should', async () => {
  const stage = await newStage()
  const { gate, answer } = gated()
  const bot = await run(stage, answer, { leaseMs: 300, atOnce: 1 })
  const asked = await ask(stage, 'slow')
  const other = await ask(stage, 'waits')
  const claimed = await reply(stage, asked, isState('active'))
  const until = claimed.claim?.until ?? 0
  await reply(stage, asked, (one) => (one.claim?.until ?? 0) > until + 300)
  expect(bot.underWay).toBe(1)
  expect(await reply(stage, other, isState('draft'))).toMatchObject({ attempt: 1 })
  gate.isOver = true
  gate.words.push('done')
  expect(await reply(stage, asked, isState('complete'))).toMatchObject({ attempt: 1, claim: null })
  await reply(stage, other, isState('complete'))
})

test('B60 what was asked before the newest that a snapshot holds is answered, from what was said before it', async () => {
  const stage = await newStage('mention')
  const asked = await ask(stage, `${stage.bot} do you hear me?`)
  const later = Array.from({ length: 210 }, (_, n) => utterance(stage.space, `later ${n}`))
  for (let from = 0; from < later.length; from += 70) await apply(api, ada.token, ...later.slice(from, from + 70))
  await run(stage, ({ lines, request }) => `${lines.length}: ${request.name}`)
  const whole = await eventually('the reply is there', async () => {
    const { body } = await call(api, 'GET', `/v1/spaces/${stage.space}/intentions?limit=1000`, { token: ada.token })
    const { intentions } = snapshotSchema.pick({ intentions: true }).parse(body)
    return intentions.find(({ replyTo, state }) => replyTo === asked && state === 'complete')
  })
  expect(textOf(whole)).toBe('1: Ada')
})

test('B61 a bot that was away until its token was good no more goes on by its renewal, and hands on the next', async () => {
  const stage = await newStage()
  const sessions: BotSession[] = [await sessionOf(stage.bot)]
  for (const text of ['awake', 'again']) {
    const [held] = sessions.slice(-1)
    const session = { being: { id: stage.bot }, token: 'gone', expiresAt: 1, renewal: held?.renewal }
    const bot = await run(stage, ({ request }) => request.text, { session, onSession: (next) => sessions.push(next) })
    expect(textOf(await reply(stage, await ask(stage, text), isState('complete')))).toBe(text)
    await bot.stop()
  }
  expect(new Set(sessions.map(({ renewal }) => renewal)).size).toBe(3)
})

test('B14 without a gateway it finds its work by asking', async () => {
  const stage = await newStage()
  await run(stage, () => 'found', { syncUrl: 'ws://127.0.0.1:1/v1/sync', askEveryMs: 100 })
  expect(textOf(await reply(stage, await ask(stage, 'hello'), isState('complete')))).toBe('found')
})

test('B77 what it has ended is complete, though it hears of that before it is answered', async () => {
  const stage = await newStage()
  const ends: string[] = []
  const note = (fields: object, message: string): void => void ends.push(`${message} ${JSON.stringify(fields)}`)
  const log = { debug: note, info: note, warn: note, error: note }
  const proxy = await TcpProxy.listen('api', targetOf(api))
  try {
    proxy.delay(200)
    await run(stage, () => 'whole', { log, apiUrl: proxy.through(api) })
    const { id } = await reply(stage, await ask(stage, 'hello'), isState('complete'))
    const end = await eventually('it says what became of it', () =>
      ends.find((line) => line.includes(id) && /complete|stopped/.test(line)),
    )
    expect(end).toContain('"complete"')
    await Promise.all(bots.splice(0).map((bot) => bot.stop()))
  } finally {
    await proxy.close()
  }
})

test('B62 a bot tells whether it reaches the api, what it measures, and logs what became of each reply and no word of it', async () => {
  const stage = await newStage()
  const lines: string[] = []
  const note = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log = { debug: note, info: note, warn: note, error: note }
  const bot = await run(stage, () => 'a secret', { log })
  const health = await serveHealth(bot, { port: 0, host: '127.0.0.1' })
  try {
    const asked = await ask(stage, 'hello')
    const { id } = await reply(stage, asked, isState('complete'))
    const status = async (path: string): Promise<number> => (await fetch(`${health.url}${path}`)).status
    expect(await Promise.all(['/healthz', '/readyz', '/elsewhere'].map(status))).toEqual([200, 200, 404])
    await eventually('it is counted', async () => {
      const metrics = await (await fetch(`${health.url}/metrics`)).text()
      return metrics.includes('rhizom_bot_replies_total{outcome="complete"} 1') && /characters_total 8\b/.test(metrics)
    })
    await eventually('it is logged', () => lines.some((line) => line.includes(id) && line.includes('complete')))
    expect(lines.join('\n')).not.toContain('secret')
  } finally {
    await health.close()
  }
})
