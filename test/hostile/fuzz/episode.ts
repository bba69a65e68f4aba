/**
 * What a seed stands for: one connection with all that is said on it, so that every case can be told and played again.
 * The same seed makes the same episode; what differs from run to run (tokens, the epoch of a space) stands in it as a
 * name in dollars and is filled in as it is sent.
 */
import { clientFrameSchema, LIMITS } from '@rhizom/protocol'
import { z } from 'zod'
import { Chance } from '../../simulation/chance.ts'
import { type FrameShape, OPCODE } from '../bytes/ws-bytes.ts'
import { isForGateways, type Operation } from '../operations.ts'
import { type Draw, type JsonSchema, type Known, SchemaValues } from './json-schema.ts'
import { spoil } from './mutate.ts'

/** One message of a client, or one request. */
export interface Step {
  text: string
  encoding: 'utf8' | 'latin1'
  ways: readonly string[]
  /** How the frame around it is made, if not as it should be. */
  shape?: FrameShape
  request?: {
    method: string
    path: string
    headers: readonly (readonly [string, string])[]
    operation: string
    hasBody: boolean
  }
}

/**
 * - `before hello`: a stranger speaks; then hello may follow.
 * - `after hello`: said to a welcomed connection.
 * - `with hello`: said in one breath with hello and a subscription, while nothing is answered yet.
 * - `broken WebSocket`: frames that break the protocol under the frames.
 * - `requests`: over HTTP.
 */
export const KINDS = ['before hello', 'after hello', 'with hello', 'broken WebSocket', 'requests'] as const
export type EpisodeKind = (typeof KINDS)[number]

export interface Episode {
  seed: number
  kind: EpisodeKind
  /** Which of the nodes. */
  node: number
  steps: readonly Step[]
}

/** Names of what the arena has (world.ts). */
export const TOKEN = '$token$'
export const EPOCH = '$epoch$'
export const INTERNAL_TOKEN = '$internal$'
export const SPACES = ['@fuzz-open', '@fuzz-closed', '@fuzz-none', '@fuzz-own'] as const
export const BEINGS = ['@fuzz-bot', '@fuzz-nobody', '@fuzz-other'] as const

const MOST_FRAMES = 100
const MOST_REQUESTS = 20

/** Said once more, or with another token, they end a connection. */
const CLOSING = ['hello', 'refresh']

export interface Grammar {
  frames: readonly Draw[]
  /** Those that leave a connection as it is. */
  staying: readonly Draw[]
  /** Whether what is for gateways is asked with their token. Without it, as by anybody else. */
  internal: boolean
  operations: readonly { operation: Operation; body: Draw | undefined; parameters: ReadonlyMap<string, Draw> }[]
}

const known: Known = (field, chance) => {
  switch (field) {
    case 'token':
      return chance.happens(0.5) ? TOKEN : undefined
    case 'epoch':
      return chance.happens(0.7) ? EPOCH : undefined
    case 'space':
      return chance.pick(SPACES)
    case 'being':
    case 'id':
      return chance.happens(0.5) ? chance.pick(BEINGS) : undefined
    case 'cursor':
      return chance.pick(SPACES)
    default:
      return undefined
  }
}

export function grammarOf(operations: readonly Operation[], internal = false): Grammar {
  const schema: JsonSchema = z.toJSONSchema(clientFrameSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const frames = new SchemaValues(schema, known)
  // Each kind of frame as often as any other.
  const kinds = schema.oneOf ?? schema.anyOf ?? [schema]
  const isStaying = (one: JsonSchema): boolean => !CLOSING.includes(String(one.properties?.['type']?.const))
  return {
    frames: kinds.map((one) => frames.draw(one)),
    internal,
    staying: kinds.filter(isStaying).map((one) => frames.draw(one)),
    operations: operations.map((operation) => {
      const values = new SchemaValues(operation.document, known)
      const parameters = operation.parameters.map(({ name, schema: one }) => [name, values.draw(one, name)] as const)
      return {
        operation,
        body: operation.body === undefined ? undefined : values.draw(operation.body),
        parameters: new Map(parameters),
      }
    }),
  }
}

const WEIGHTS: Readonly<Record<EpisodeKind, number>> = {
  'before hello': 0.12,
  'after hello': 0.42,
  'with hello': 0.22,
  'broken WebSocket': 0.04,
  requests: 0.2,
}

export function episodeOf(seed: number, grammar: Grammar): Episode {
  const chance = new Chance(seed, 'episode')
  const kind = drawKind(chance)
  const node = chance.int(0, 1_000)
  const steps = stepsOf(kind, chance, grammar)
  return { seed, kind, node, steps }
}

function drawKind(chance: Chance): EpisodeKind {
  let left = chance.next()
  for (const kind of KINDS) {
    left -= WEIGHTS[kind]
    if (left < 0) return kind
  }
  return 'after hello'
}

function stepsOf(kind: EpisodeKind, chance: Chance, grammar: Grammar): Step[] {
  switch (kind) {
    case 'before hello':
      return Array.from({ length: chance.int(1, 3) }, () => frame(chance, grammar.frames))
    case 'after hello':
    case 'with hello':
      return frames(chance, grammar)
    case 'broken WebSocket':
      return [...frames(chance, grammar).slice(0, chance.int(0, 3)), brokenFrame(chance, grammar)]
    case 'requests':
      return Array.from({ length: chance.int(1, MOST_REQUESTS) }, () => request(chance, grammar))
    default:
      return kind satisfies never
  }
}

/** What closes a connection stands at the end, so that little is said for nothing. */
function frames(chance: Chance, grammar: Grammar): Step[] {
  const steps = Array.from({ length: chance.int(1, MOST_FRAMES) }, () => frame(chance, grammar.staying))
  const last = chance.happens(0.3) ? [frame(chance, grammar.frames)] : []
  return [...steps.filter((step) => !closes(step)), ...steps.filter(closes).slice(0, 1), ...last]
}

const closes = ({ text, encoding, shape }: Step): boolean =>
  encoding === 'latin1' || shape !== undefined || text.length > LIMITS.maxFrameBytes

function frame(chance: Chance, draws: readonly Draw[]): Step {
  const step = spoil(chance.pick(draws)?.(chance), chance)
  return chance.happens(0.002) ? { ...step, shape: { opcode: OPCODE.binary } } : step
}

function brokenFrame(chance: Chance, grammar: Grammar): Step {
  const step = frame(chance, grammar.frames)
  const shapes: FrameShape[] = [
    { opcode: chance.int(0, 15) },
    { reserved: chance.int(1, 7) },
    { fin: false },
    { fin: false, opcode: chance.int(0, 15) },
    { mask: 'none' },
    { mask: Uint8Array.of(1, 2, 3, 4) },
    { claimedLength: chance.pick([0, 1, 125, 126, 65_535, 65_536, 2 ** 20 + 1, 2 ** 32, 2 ** 53]) ?? 0 },
  ]
  const shape = chance.pick(shapes) ?? {}
  return { ...step, shape, ways: [...step.ways, `broken ${Object.keys(shape).join(' and ')}`] }
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']
const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ['Accept', 'text/html'],
  ['Accept-Encoding', 'gzip, br'],
  ['If-None-Match', '*'],
  ['If-None-Match', '"x:1", W/"y:2"'],
  ['Origin', 'https://elsewhere.example'],
  ['Origin', 'null'],
  ['X-Forwarded-For', '1.2.3.4, ::1, x'],
  ['Range', 'bytes=0-1'],
  ['Cookie', 'a=b; __proto__=1'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Content-Encoding', 'gzip'],
]
const CONTENT_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'application/json; charset=utf-16',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  '',
  '*/*',
  'application/json, text/plain',
]

function request(chance: Chance, { operations, internal }: Grammar): Step {
  const isOpen = ({ operation }: Grammar['operations'][number]): boolean =>
    internal || !isForGateways(operation.path) || chance.happens(0.2)
  const chosen = chance.pick(operations.filter(isOpen))
  if (chosen === undefined) throw new Error('an api without operations')
  const { operation, body, parameters } = chosen
  const ways: string[] = []
  const said = (name: string): string => {
    const value = parameters.get(name)?.(chance) ?? ''
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
  const odd = (text: string): string => (chance.happens(0.15) ? spoil(text, chance).text : text)
  const words = (text: string): string =>
    chance.happens(0.95) ? encodeURIComponent(text.toWellFormed()) : text.replaceAll(/[^!-~]/g, '%')
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => words(odd(said(name))))
  const query = operation.parameters
    .filter((parameter) => parameter.in === 'query' && chance.happens(0.7))
    .map(({ name }) => `${name}=${words(odd(said(name)))}`)
  const spoilt = body === undefined && !chance.happens(0.05) ? undefined : spoil(body?.(chance) ?? {}, chance)
  const hasBody = spoilt !== undefined
  const method = chance.happens(0.03) ? (chance.pick(METHODS) ?? 'GET') : operation.method
  const bearer = internal && isForGateways(operation.path) ? INTERNAL_TOKEN : TOKEN
  const headers: (readonly [string, string])[] = []
  if (!chance.happens(0.05)) headers.push(['Authorization', `Bearer ${bearer}`])
  if (hasBody)
    headers.push(['Content-Type', chance.happens(0.04) ? (chance.pick(CONTENT_TYPES) ?? '') : 'application/json'])
  if (chance.happens(0.05)) headers.push(chance.pick(ODD_HEADERS) ?? ['X', 'y'])
  if (method !== operation.method) ways.push('another method')
  return {
    text: spoilt?.text ?? '',
    encoding: spoilt?.encoding ?? 'utf8',
    ways: [...ways, ...(spoilt?.ways ?? ['no body'])],
    request: {
      method,
      path: `${path}${query.length > 0 ? `?${query.join('&')}` : ''}`,
      headers,
      operation: `${operation.method} ${operation.path}`,
      hasBody,
    },
  }
}
