/** The tables of protocol/SPEC.md, printed from the schemas and tables of the protocol. */
import {
  CLOSE,
  type CloseName,
  clientFrameSchema,
  closePolicy,
  FRAME_ERRORS,
  LIMITS,
  mutationSchema,
  PROBLEMS,
  serverFrameSchema,
  TIMES,
} from '@rhizom/protocol'
import { z } from 'zod'
import { table } from './table.ts'

const jsonSchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
})
type JsonSchema = z.infer<typeof jsonSchema>

const schemaOf = (value: unknown): JsonSchema => jsonSchema.parse(value ?? {})
const asJson = (schema: z.ZodType): JsonSchema =>
  schemaOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }))

/** `{name, visibility?}`: the fields of an object, those that may be left out with a question mark. */
function fieldsOf(schema: JsonSchema, except: readonly string[] = []): string {
  const names = Object.keys(schema.properties ?? {}).filter((name) => !except.includes(name))
  return `{${names.map((name) => (schema.required?.includes(name) === true ? name : `${name}?`)).join(', ')}}`
}

/** What a frame is for; a type without a line does not print. */
const CLIENT_FRAMES: Readonly<Record<string, string>> = {
  hello: 'who one is, first and within 10 s; answered by `welcome`',
  subscribe: 'watch a space; with `epoch` and `after` from a position. Answered by `snapshot` or `resumed`',
  unsubscribe: 'watch it no more',
  presence: 'the state one has in a space, up to 1 KiB; replaces the former',
  signal: 'something for whoever is there now, up to 1 KiB; not stored, not repeated',
  refresh: 'a fresh token, before the old one runs out',
  ping: 'answered by `pong`',
  work: 'asks to be told when there may be something to claim; answered by `work` at once',
  follow: "asks for `news` of all one's spaces, at once and then as they change",
}

const SERVER_FRAMES: Readonly<Record<string, string>> = {
  welcome: 'the token was good; `session` names the connection in logs',
  snapshot: 'answers `subscribe`: the space as it is at `version`, itself in `entity`',
  resumed: 'answers `subscribe` with a position: all changes since then',
  changes: 'what was committed, from the version before the first change',
  presence: 'who came, went or set another state',
  signal: 'a signal of somebody',
  unsubscribed: 'nothing of the space follows: `revoked` (it may not be read any more) or `removed`',
  error: 'what was refused, and why',
  heartbeat: 'the version up to which everything was sent, for each space watched',
  goodbye: 'the gateway stops; a close follows, come back after `reconnectAfterMs`',
  pong: 'answers `ping`',
  work: 'there may be something to claim: ask `GET /v1/work`',
  news: "what is new in one's spaces: their version, what is unread, and how much of that mentions one",
}

const frameRows = (options: readonly z.ZodType[], meanings: Readonly<Record<string, string>>): (readonly string[])[] =>
  options.map((option) => {
    const schema = asJson(option)
    const type = String(schemaOf(schema.properties?.['type']).const)
    const meaning = meanings[type]
    if (meaning === undefined) throw new Error(`the frame ${type} has no line in the tables of the contract`)
    return [`\`${type}\``, `\`${fieldsOf(schema, ['type'])}\``, meaning]
  })

export const clientFrames = (): string =>
  table(['type', 'fields', 'what for'], frameRows(clientFrameSchema.options, CLIENT_FRAMES))

export const serverFrames = (): string =>
  table(['type', 'fields', 'what it says'], frameRows(serverFrameSchema.options, SERVER_FRAMES))

export const frameErrors = (): string =>
  table(
    ['code', 'meaning'],
    Object.entries(FRAME_ERRORS).map(([code, meaning]) => [`\`${code}\``, meaning]),
  )

const POLICIES = {
  reconnect: 'come back with backoff and resume',
  'new-token': 'come back with a token got anew',
  stop: 'do not come back unchanged; tell the person',
} as const

const isCloseName = (name: string): name is CloseName => name in CLOSE

export const closeCodes = (): string =>
  table(
    ['code', 'reason', 'what to do'],
    Object.keys(CLOSE)
      .filter(isCloseName)
      .map((name) => [`${CLOSE[name].code}`, CLOSE[name].reason, POLICIES[closePolicy(CLOSE[name].code)]]),
  )

export const problems = (): string =>
  table(
    ['code', 'status', 'meaning', 'the same again'],
    Object.entries(PROBLEMS).map(([code, { status, title, retry }]) => [
      `\`${code}\``,
      `${status}`,
      title,
      retry === 'later' ? 'may succeed later' : 'cannot succeed',
    ]),
  )

/** What each mutation leaves in the log. */
const CHANGES: Readonly<Record<string, string>> = {
  'space.create': '`space.put`, `member.put` (who creates it owns it)',
  'space.update': '`space.put`',
  'space.remove': '`space.remove`; who watches is told `unsubscribed`',
  'being.create': '`being.put`',
  'being.update': '`being.put`',
  'being.move': '`being.remove` where it was, `being.put` here',
  'being.expel': '`being.remove`; it is nowhere then',
  'being.remove': '`being.remove`, and `member.remove` where it has a role',
  'intention.create': '`intention.put`, and one for the reply of each bot that it wakes',
  'intention.update': '`intention.put`, and those replies where it becomes `complete`',
  'intention.append': '`intention.append`',
  'intention.claim': '`intention.put`',
  'intention.retry': '`intention.put`',
  'intention.remove': '`intention.remove`',
  'member.put': '`member.put`',
  'member.remove': '`member.remove`',
}

export const mutations = (): string =>
  table(
    ['name', 'args', 'change it makes'],
    mutationSchema.options.map((option) => {
      const { properties = {} } = asJson(option)
      const name = String(schemaOf(properties['name']).const)
      const change = CHANGES[name]
      if (change === undefined) throw new Error(`the mutation ${name} has no line in the tables of the contract`)
      return [`\`${name}\``, `\`${fieldsOf(schemaOf(properties['args']))}\``, change]
    }),
  )

/** The limits that concern a client, in words. */
const LIMIT_TEXTS: readonly (readonly [string, string])[] = [
  ['a frame from a client', `${LIMITS.maxFrameBytes} bytes`],
  ['content, metadata or properties of one entity', `${LIMITS.maxContentBytes} bytes`],
  ['mutations in a batch', `${LIMITS.maxMutationsPerBatch}`],
  ['a batch as JSON', `${LIMITS.maxBodyBytes} bytes; ${LIMITS.maxBodyParts} objects, arrays and keys`],
  ['spaces a connection watches', `${LIMITS.maxSubscriptionsPerConnection}`],
  ['frames of a connection', `${LIMITS.framesPerSecond} a second, ${LIMITS.framesBurst} at once`],
  ['mutations of an actor', `${LIMITS.mutationsPerSecond} a second, ${LIMITS.mutationsBurst} at once`],
  ['connections of an address', `${LIMITS.maxConnectionsPerAddress}`],
  ['bytes unsent to a client before it is closed', `${LIMITS.maxUnsentBytes}`],
  ['a presence state, the data of a signal', `${LIMITS.maxStateBytes}, ${LIMITS.maxSignalBytes} bytes`],
  ['beings listed as here', `${LIMITS.maxHereListed}`],
  ['beings and newest intentions in a snapshot', `${LIMITS.snapshotBeings}, ${LIMITS.snapshotIntentions}`],
  ['items of a page, ids of a look-up', `${LIMITS.maxPageSize}, ${LIMITS.maxIdsPerLookup}`],
  ['a name', `${LIMITS.maxNameLength} characters`],
  ['bots that one utterance wakes', `${LIMITS.maxReplies}`],
  ['replies of bots to replies of bots', `${LIMITS.maxReplyChain}, one behind another`],
  ['unread intentions that are counted', `${LIMITS.maxUnread}; so many mean so many or more`],
  ['spaces that `news` tells of', `${LIMITS.maxNewsSpaces}, those that changed last`],
  ['a lease', `${TIMES.maxLeaseMs} ms; a longer one is cut to that`],
  ['until `hello`', `${TIMES.helloTimeoutMs} ms`],
  ['until a request over HTTP has arrived', `${TIMES.requestTimeoutMs} ms`],
  ['between heartbeats', `${TIMES.heartbeatMs} ms; dead after ${TIMES.deadAfterHeartbeats} of them`],
]

export const limits = (): string => table(['what', 'how much'], LIMIT_TEXTS)
