/**
 * A whole api node on a real port for tests, with the few calls they make again and again. Answers come as they are,
 * for tests to parse with the protocol's schemas.
 */
import { randomBytes } from 'node:crypto'
import { createLog } from '@rhizom/process'
import {
  type Mutation,
  type MutationResult,
  postMutationsAnswerSchema,
  postSessionAnswerSchema,
  type PostSessionAnswer,
} from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { parseConfig } from '../config.ts'
import { type ApiNode, createNode } from '../node.ts'

export interface StartApiOptions {
  databaseUrl: string
  /** Settings as one would write them in the environment. */
  env?: Record<string, string>
}

export interface Answer {
  status: number
  headers: Headers
  /** The parsed JSON, or undefined for an empty body. */
  body: unknown
}

export interface Ask {
  token?: string
  body?: unknown
  headers?: Record<string, string>
}

/** A mutation without the id, which is made up. */
export type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> & { id?: string } : never) : never

export interface TestApi {
  url: string
  internalUrl: string
  node: ApiNode
  /** Asks at the port that a path belongs to. */
  ask: (method: string, path: string, ask?: Ask) => Promise<Answer>
  /** A new guest; a random id unless one is given. */
  signIn: (name: string, id?: string) => Promise<PostSessionAnswer>
  /** Posts the mutations as one batch; expects 200. */
  mutate: (token: string, ...wanted: Wanted[]) => Promise<MutationResult[]>
  stop: () => Promise<void>
}

export const INTERNAL_TOKEN = randomBytes(16).toString('hex')
export const TOKEN_SECRET = randomBytes(32).toString('hex')

export const uuid = (): string => uuidv7()

/** An id that no other test uses; the Redis of the tests is shared. */
export const freshId = (word: string): string => `@${word}-${randomBytes(6).toString('hex')}`

const isInternal = (path: string): boolean => /^\/(internal|operator|readyz|metrics)\b/.test(path)
/** What a gateway would have stored of somebody who is here through it. */
export function sealedEntry({ node }: TestApi, hash: string, field: string, entry: object): Buffer {
  const sealed = node.seal.seal(`${hash} ${field}`, JSON.stringify(entry))
  if (sealed === undefined) throw new Error('the node does not know its installation yet')
  return sealed
}

export async function startApi({ databaseUrl, env = {} }: StartApiOptions): Promise<TestApi> {
  const parsed = parseConfig({
    PORT: '0',
    INTERNAL_PORT: '0',
    DATABASE_URL: databaseUrl,
    REDIS_URL: process.env['TEST_REDIS_URL'],
    TOKEN_SECRET,
    INTERNAL_TOKEN,
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    MUTATIONS_PER_SECOND: '100000',
    MUTATIONS_BURST: '100000',
    // All tests sign in from one address, and share the Redis that counts.
    SESSIONS_PER_SECOND: '0',
    DATABASE_POOL: '8',
    ...env,
  })
  if (!parsed.ok) throw new Error(parsed.problem)
  const log = createLog({ component: 'api', level: parsed.config.LOG_LEVEL, secrets: [] })
  const node = await createNode(parsed.config, log)
  const { url, internalUrl } = await node.listen()

  const ask: TestApi['ask'] = async (method, path, { token, body, headers = {} } = {}) => {
    const response = await fetch(`${isInternal(path) ? internalUrl : url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  return {
    url,
    internalUrl,
    node,
    ask,
    async signIn(name, id = freshId('guest')) {
      const { status, body } = await ask('POST', '/v1/sessions', { body: { name, id } })
      if (status !== 201) throw new Error(`signing in answered ${status} ${JSON.stringify(body)}`)
      return postSessionAnswerSchema.parse(body)
    },
    async mutate(token, ...wanted) {
      const mutations = wanted.map((one) => ({ id: uuid(), ...one }))
      const { status, body } = await ask('POST', '/v1/mutations', { token, body: { mutations } })
      if (status !== 200) throw new Error(`mutations answered ${status} ${JSON.stringify(body)}`)
      return postMutationsAnswerSchema.parse(body).results
    },
    stop: () => node.stop(),
  }
}
