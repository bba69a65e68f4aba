/**
 * rhizom itself: a gateway on the core of servers; its api, Postgres with durable commits, and Redis on the other. What
 * is written is a mutation over HTTP, so its delay begins before the commit, where the others keep nothing or less.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { runToEnd } from '@rhizom/infra/local/child.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { startPostgres } from '@rhizom/infra/local/postgres.ts'
import { until } from '@rhizom/infra/local/until.ts'
import { postMutationsAnswerSchema, postSessionAnswerSchema, SESSION_TOKEN } from '@rhizom/protocol'
import type { Peer, Surroundings } from '../peer.ts'
import { startServer } from './server.ts'

const READY_WITHIN_MS = 60_000
const TOKEN_LASTS_SECONDS = 7_200

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A session as the api would sign it: a comparison needs thousands, and none of their rows. */
function tokenFor(being: string, secret: string): string {
  const { issuer, audience, formerAlgorithm: algorithm } = SESSION_TOKEN
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_LASTS_SECONDS
  const signed = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode({ sub: being, iss: issuer, aud: audience, exp })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

async function call(api: string, path: string, body: object, token?: string): Promise<unknown> {
  const answer = await fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

async function startAll(around: Surroundings) {
  const { directory, watch, onServerCore, onOtherCore, redisUrl, connections } = around
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), watch })
  const secret = randomBytes(24).toString('hex')
  const env = {
    REDIS_URL: redisUrl,
    DATABASE_URL: postgres.url,
    TOKEN_SECRET: secret,
    INTERNAL_TOKEN: randomBytes(24).toString('hex'),
    LOG_LEVEL: 'warn',
    MAX_CONNECTIONS_PER_ADDRESS: String(connections + 100),
    MUTATIONS_PER_SECOND: '100000',
    MUTATIONS_BURST: '100000',
  }
  const migrate = {
    file: process.execPath,
    args: ['api/src/migrate.ts'],
    cwd: repository,
    env: { ...process.env, ...env },
  }
  const { code } = await runToEnd(migrate, join(directory, 'migrate.log'), watch)
  if (code !== 0) throw new Error(`the migration failed; its output is in ${directory}/migrate.log`)
  const started: { child: { stop(signal: 'SIGKILL'): Promise<unknown> } }[] = []
  const launch = async (core: readonly string[], name: string, more: Record<string, string> = {}) => {
    const entry = join(repository, name, 'src/main.ts')
    // The port is known when the words are asked for; the process takes it from its environment.
    const words = (port: number): string[] => ['env', `PORT=${port}`, ...core, process.execPath, entry]
    const server = await startServer(around, name, words, { ...env, ...more })
    started.push(server)
    return server
  }
  const api = await launch(onOtherCore, 'api')
  const gateway = await launch(onServerCore, 'gateway', { API_URL: api.url })
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(({ child }) => child.stop('SIGKILL')))
    await postgres.stop()
  }
  return { api: api.url, gateway, secret, stop }
}

export const rhizom: Peer = {
  name: 'rhizom',
  dialect: 'rhizom',
  settings: 'usual settings but for limits of one address; each change committed durably to Postgres first',
  recovers: true,
  textBytes: 212,
  get: () => Promise.resolve({ ok: true, version: 'this tree' }),
  async start(around) {
    const { api, gateway, secret, stop } = await startAll(around)
    let token = ''
    const signedIn = await until(
      async () => {
        token = postSessionAnswerSchema.parse(await call(api, '/v1/sessions', { name: 'Writer' })).token
        return true
      },
      { withinMs: READY_WITHIN_MS },
    )
    if (!signedIn) throw new Error('the api takes nobody in')
    const mutate = async (mutations: readonly object[]): Promise<void> => {
      const answer = await call(api, '/v1/mutations', { mutations }, token)
      const refused = postMutationsAnswerSchema.parse(answer).results.find(({ status }) => status === 'rejected')
      if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused)}`)
    }
    let spaces = 0
    return {
      pid: gateway.child.pid,
      url: gateway.url,
      tokens: Array.from({ length: Math.min(around.connections, 1_000) }, (_, i) => tokenFor(`@watcher-${i}`, secret)),
      async topic() {
        const space = `@versus-${(spaces += 1)}`
        const args = { name: 'Versus', visibility: 'public' }
        await mutate([{ id: randomUUID(), space, name: 'space.create', args }])
        return space
      },
      publish: (space, texts) =>
        mutate(
          texts.map((text) => {
            const args = { id: randomUUID(), type: 'utterance', content: [text] }
            return { id: randomUUID(), space, name: 'intention.create', args }
          }),
        ),
      stop,
    }
  },
}
