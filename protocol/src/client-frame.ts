/**
 * What a client says to a gateway over `GET /v1/sync`.
 *
 *   hello (within 10 s) → welcome
 *   subscribe           → snapshot, or resumed where a position is given and the log reaches back to it
 *   refresh             → nothing, or close 4501
 *   ping                → pong
 *
 * A frame of an unknown type is `ignored`, as are unknown fields: an old gateway must not choke on a new client.
 */
import { z } from 'zod'
import { type Parsed, firstFault, splitLines } from './codec.ts'
import { presenceStateSchema } from './entity.ts'
import { signalNameSchema } from './http.ts'
import { epochSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema } from './json.ts'
import { versionSchema } from './position.ts'

const token = z.string().min(1).max(4096)

export const helloFrameSchema = z.object({ type: z.literal('hello'), protocol: z.int(), token })
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

export const clientFrameSchema = z.discriminatedUnion('type', [
  helloFrameSchema,
  subscribeFrameSchema,
  unsubscribeFrameSchema,
  presenceFrameSchema,
  signalFrameSchema,
  refreshFrameSchema,
  pingFrameSchema,
])
export type ClientFrame = z.infer<typeof clientFrameSchema>
/** A frame as a client writes it: fields with defaults may be left out. */
export type ClientFrameInput = z.input<typeof clientFrameSchema>

const clientFrameTypes: ReadonlySet<string> = new Set(
  clientFrameSchema.options.map((option) => option.shape.type.value),
)

/** A line that is no frame we know: `ignored` for an unknown type, a problem for a malformed one. */
export type ClientLine = Parsed<ClientFrame> | { ok: true; value: { type: 'ignored'; unknownType: string } }

/** Parses each line of a client's message. */
export function parseClientMessage(message: string): ClientLine[] {
  return splitLines(message).map((line) => parseLine(line, clientFrameSchema, clientFrameTypes))
}

/** Shared with server-frame.ts: tells "unknown type" (ignored) from "malformed" (a problem). */
export function parseLine<S extends z.ZodType>(
  line: string,
  schema: S,
  types: ReadonlySet<string>,
): Parsed<z.output<S>> | { ok: true; value: { type: 'ignored'; unknownType: string } } {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return { ok: false, problem: 'not JSON' }
  }
  const type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined
  if (typeof type !== 'string') return { ok: false, problem: 'a frame is an object with a type' }
  if (!types.has(type)) return { ok: true, value: { type: 'ignored', unknownType: type } }
  const parsed = schema.safeParse(json)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, ...firstFault(parsed.error) }
}
