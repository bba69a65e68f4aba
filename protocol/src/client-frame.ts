/**
 * What a client says to a gateway over `GET /v1/sync`.
 *
 *   hello (within 10 s) → welcome
 *   subscribe           → snapshot, or resumed where a position is given and the log reaches back to it
 *   refresh             → nothing, or close 4501
 *   ping                → pong
 *   work                → work, at once and then whenever there may be something to claim
 *   follow              → news of all one's spaces, at once and then of those that change
 *
 * Before `welcome` a gateway reads hello and nothing else; lines behind it wait unread until the token is verified.
 * A frame of an unknown type is `ignored`, as are unknown fields: an old gateway must not choke on a new client.
 */
import { z } from 'zod'
import { type Parsed, parseValue, splitLines } from './codec.ts'
import { presenceStateSchema } from './entity.ts'
import { signalNameSchema } from './http.ts'
import { epochSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema } from './json-schema.ts'
import { type Ignored, parseLine, parseTyped } from './line.ts'
import { versionSchema } from './position.ts'

const token = z.string().min(1).max(4096)

export const helloFrameSchema = z.object({ type: z.literal('hello'), protocol: z.int(), token })
export type HelloFrame = z.infer<typeof helloFrameSchema>
export const subscribeFrameSchema = z
  .object({
    type: z.literal('subscribe'),
    space: spaceIdSchema,
    epoch: epochSchema.optional(),
    after: versionSchema.optional(),
    present: z.boolean().default(true).describe('Whether the being counts as here; false only watches'),
  })
  .refine((frame) => (frame.epoch === undefined) === (frame.after === undefined), {
    message: 'epoch and after go together',
    path: ['after'],
  })
export const unsubscribeFrameSchema = z.object({ type: z.literal('unsubscribe'), space: spaceIdSchema })
export const presenceFrameSchema = z.object({
  type: z.literal('presence'),
  space: spaceIdSchema,
  state: presenceStateSchema,
})
export const signalFrameSchema = z.object({
  type: z.literal('signal'),
  space: spaceIdSchema,
  name: signalNameSchema,
  data: jsonObjectSchema.optional(),
})
export const refreshFrameSchema = z.object({ type: z.literal('refresh'), token })
export const pingFrameSchema = z.object({ type: z.literal('ping') })
/** Asks to be told when there is work to claim. */
export const askForWorkFrameSchema = z.object({ type: z.literal('work') })
/** Asks for news of all one's spaces, now and as they change. */
export const followFrameSchema = z.object({ type: z.literal('follow') })

export const clientFrameSchema = z.discriminatedUnion('type', [
  helloFrameSchema,
  subscribeFrameSchema,
  unsubscribeFrameSchema,
  presenceFrameSchema,
  signalFrameSchema,
  refreshFrameSchema,
  pingFrameSchema,
  askForWorkFrameSchema,
  followFrameSchema,
])
export type ClientFrame = z.infer<typeof clientFrameSchema>
/** A frame as a client writes it: fields with defaults may be left out. */
export type ClientFrameInput = z.input<typeof clientFrameSchema>

const clientFrameTypes: ReadonlySet<string> = new Set(
  clientFrameSchema.options.map((option) => option.shape.type.value),
)

/** A line that is no frame we know: `ignored` for an unknown type, a problem for a malformed one. */
export type ClientLine = Parsed<ClientFrame> | Ignored

/** Parses one line of a client whose token is verified. */
export const parseClientLine = (line: string): ClientLine =>
  parseLine(line, clientFrameTypes, (json) => parseValue(clientFrameSchema, json))

/** Parses each line of a client's message. */
export const parseClientMessage = (message: string): ClientLine[] => splitLines(message).map(parseClientLine)

export type HelloLine =
  | Parsed<HelloFrame>
  | Ignored
  /** A frame of another type, which is not looked at any further. */
  | { ok: true; value: { type: 'early' } }

/** Parses one line of a stranger: no schema but that of hello is reached. */
export function parseHelloLine(line: string): HelloLine {
  const typed = parseTyped(line)
  if (!typed.ok) return typed
  const { type, json } = typed.value
  if (type === 'hello') return parseValue(helloFrameSchema, json)
  if (clientFrameTypes.has(type)) return { ok: true, value: { type: 'early' } }
  return { ok: true, value: { type: 'ignored', unknownType: type } }
}
