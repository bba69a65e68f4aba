/** The process itself: what it says, when it refuses to start, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import { changesAnswerSchema, mutationResultSchema, postSessionAnswerSchema, snapshotSchema } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type FreshDatabase } from './testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, TOKEN_SECRET, uuid } from './testing/test-api.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const listeningSchema = z.object({ url: z.url() })
let database: FreshDatabase

beforeAll(async () => {
  database = await freshDatabase()
})

afterAll(() => database.drop())

function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      ...nodeStart(),
      PORT: '0',
      DATABASE_URL: database.url,
      REDIS_URL: process.env['TEST_REDIS_URL'],
      TOKEN_SECRET,
      INTERNAL_TOKEN,
      MUTATIONS_BURST: '100000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (data) => (said.out += String(data)))
  child.stderr.on('data', (data) => (said.err += String(data)))
  return { child, said }
}

async function listening(child: ChildProcess, said: { out: string; err: string }): Promise<string> {
  while (child.exitCode === null) {
    const line = said.out.split('\n').find((one) => one.includes('"msg":"listening"'))
    if (line !== undefined) return listeningSchema.parse(JSON.parse(line)).url
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
  }
  throw new Error(`the process ended: ${said.err}`)
}

const ended = async (child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return [child.exitCode, child.signalCode]
}

async function post(url: string, path: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  return response.json()
}

test('A40 a bad setting ends the process, naming the variable and not the value', async () => {
  const { child, said } = start({ INTERNAL_TOKEN: 'hidden blank' })
  expect(await ended(child)).toEqual([1, null])
  expect(said.err).toMatch(/^INTERNAL_TOKEN /)
  expect(said.err + said.out).not.toContain('hidden')
})

test.each([
  ['TOKEN_SECRET', 'a-short-one'],
  ['TOKEN_SECRET', 'change-me-change-me-change-me-change-me'],
  ['INTERNAL_TOKEN', 'zzzzzzzzzzzzzzzzzzzzzzzzzzz'],
])('A65 the weak %s %s ends the process in one line, unless weak ones are allowed', async (name, value) => {
  const refused = start({ [name]: value })
  expect(await ended(refused.child)).toEqual([1, null])
  expect(refused.said.err.trimEnd().split('\n')).toHaveLength(1)
  expect(refused.said.err).toMatch(new RegExp(`^${name} `))
  expect(refused.said.err + refused.said.out).not.toContain(value)
  const allowed = start({ [name]: value, ALLOW_WEAK_SECRETS: '1' })
  await listening(allowed.child, allowed.said)
  const warnings = allowed.said.out.split('\n').filter((line) => line.includes('can be guessed'))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(name)
  expect(allowed.said.err + allowed.said.out).not.toContain(value)
  allowed.child.kill('SIGTERM')
  expect(await ended(allowed.child)).toEqual([0, null])
})

test('A65 migrating asks for no secret but the address of the database', async () => {
  const migrate = fileURLToPath(new URL('migrate.ts', import.meta.url))
  const child = spawn(process.execPath, [migrate], {
    env: { PATH: process.env['PATH'], ...nodeStart(), DATABASE_URL: database.url },
    stdio: 'ignore',
  })
  expect(await ended(child)).toEqual([0, null])
})

test('A41 on SIGTERM writes under way are answered, then the process ends by itself', async () => {
  const { child, said } = start()
  const url = await listening(child, said)
  const { token } = postSessionAnswerSchema.parse(await post(url, '/v1/sessions', { name: 'Ada' }))
  const space = freshId('space')
  const create = { id: uuid(), space, name: 'space.create', args: { name: 'Space' } }
  await post(url, '/v1/mutations', { mutations: [create] }, token)
  const say = () => ({
    id: uuid(),
    space,
    name: 'intention.create',
    args: { id: uuid(), type: 'utterance', content: ['x'] },
  })
  const answers = Array.from({ length: 30 }, () => post(url, '/v1/mutations', { mutations: [say(), say()] }, token))
  await Promise.race(answers)
  child.kill('SIGTERM')
  child.kill('SIGINT')
  const settled = await Promise.allSettled(answers)
  expect(await ended(child)).toEqual([0, null])
  const applied = settled.filter(
    (answer) => answer.status === 'fulfilled' && JSON.stringify(answer.value).includes('"applied"'),
  )
  expect(applied.length).toBeGreaterThan(0)
  const api = await startApi({ databaseUrl: database.url })
  try {
    const { body } = await api.ask('GET', `/v1/spaces/${space}`, { token })
    // Whatever was accepted was answered: the log holds no more than what somebody heard of.
    expect(snapshotSchema.parse(body).version).toBe(2 + applied.length * 2)
  } finally {
    await api.stop()
  }
})

test.each([
  ['on which nothing was asked', ''],
  ['whose peer fell silent', 'GET /healthz HTTP/1.1\r\nHost: x\r\n'],
  ['that is kept open', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
])('A41 a connection %s does not hold up the end', async (_what, said) => {
  const { child, said: log } = start({ STOP_TIMEOUT_MS: '20000' })
  const url = new URL(await listening(child, log))
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  await once(socket, 'connect')
  if (said !== '') socket.write(said)
  // A request that came after it and is answered: the server has seen the connection by then.
  expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  const begunAt = performance.now()
  child.kill('SIGTERM')
  expect(await ended(child)).toEqual([0, null])
  expect(performance.now() - begunAt).toBeLessThan(15_000)
  socket.destroy()
})

test('A23 the fail point kills between commit and publish, and only where it is set', async () => {
  const { child, said } = start({ FAIL_POINT: 'after-commit' })
  const url = await listening(child, said)
  const { token } = postSessionAnswerSchema.parse(await post(url, '/v1/sessions', { name: 'Ada' }))
  const space = freshId('space')
  const create = { id: uuid(), space, name: 'space.create', args: { name: 'Space' } }
  await expect(post(url, '/v1/mutations', { mutations: [create] }, token)).rejects.toThrow()
  expect(await ended(child)).toEqual([null, 'SIGKILL'])
  const api = await startApi({ databaseUrl: database.url })
  try {
    const outcome = mutationResultSchema.parse((await api.ask('GET', `/v1/mutations/${create.id}`, { token })).body)
    expect(outcome).toEqual({ id: create.id, status: 'applied', version: 2 })
    const { epoch } = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
    const log = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=0`, { token })
    expect(changesAnswerSchema.parse(log.body).changes).toHaveLength(2)
  } finally {
    await api.stop()
  }
})
