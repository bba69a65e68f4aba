/**
 * What a gateway says to a client.
 *
 * A client applies `changes` only if `epoch` is its own and `from` equals its version (or skips those it holds);
 * otherwise it subscribes again from its position. `heads` in a heartbeat ahead of its own mean the same.
 * Frames name a space by its id; the snapshot carries the space itself as `entity`.
 */
import { z } from 'zod'
import { changeSchema } from './change.ts'
import { type Parsed, parseValue, splitLines } from './codec.ts'
import { hereSchema, spaceSchema as spaceEntity, timeMsSchema } from './entity.ts'
import { snapshotSchema } from './http.ts'
import { beingIdSchema, epochSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema } from './json-schema.ts'
import { type Ignored, parseLine } from './line.ts'
import { newsSchema } from './news.ts'
import { versionSchema } from './position.ts'

const roster = { here: z.array(hereSchema), hereCount: z.int().min(0) }
const run = {
  space: spaceIdSchema,
  epoch: epochSchema,
  from: versionSchema,
  to: versionSchema,
  changes: z.array(changeSchema),
}

export const welcomeFrameSchema = z.object({
  type: z.literal('welcome'),
  session: z.string().describe('Names this connection in logs'),
  being: beingIdSchema,
  heartbeatMs: z.int().positive(),
})
export const snapshotFrameSchema = z.object({
  type: z.literal('snapshot'),
  ...snapshotSchema.omit({ space: true }).shape,
  ...roster,
  space: spaceIdSchema,
  entity: spaceEntity.describe('The space itself'),
  reset: z.boolean().optional().describe('It takes the place of what is held, whatever version that has'),
})
export const resumedFrameSchema = z.object({ type: z.literal('resumed'), ...run, ...roster })
export const changesFrameSchema = z.object({ type: z.literal('changes'), ...run })
export const presenceChangedFrameSchema = z.object({
  type: z.literal('presence'),
  space: spaceIdSchema,
  joined: z.array(hereSchema),
  left: z.array(beingIdSchema),
  updated: z.array(hereSchema),
  hereCount: z.int().min(0),
  frozen: z.boolean(),
})
export const signalledFrameSchema = z.object({
  type: z.literal('signal'),
  space: spaceIdSchema,
  from: beingIdSchema,
  name: z.string(),
  data: jsonObjectSchema.optional(),
})
/** Codes of `unsubscribed` frames: why nothing of a space follows any more. */
export const UNSUBSCRIBED = {
  revoked: 'This space may no longer be read',
  removed: 'This space was removed',
} as const
export type UnsubscribedCode = keyof typeof UNSUBSCRIBED

export const unsubscribedFrameSchema = z.object({
  type: z.literal('unsubscribed'),
  space: spaceIdSchema,
  code: z.string(),
  message: z.string(),
})

/** Codes of `error` frames. With `space` the error concerns that subscription; the connection stays. */
export const FRAME_ERRORS = {
  malformed: 'The frame was not understood',
  'not-authenticated': 'hello comes first, with a valid token',
  'not-found': 'No such space, or it may not be read',
  'not-subscribed': 'Subscribe to the space first',
  'too-large': 'Over a size limit',
  'too-many': 'Over the number of subscriptions a connection may have',
  'rate-limited': 'Too many frames',
  unavailable: 'Temporarily unavailable; try again after retryAfterMs',
} as const
export type FrameErrorCode = keyof typeof FRAME_ERRORS

export const errorFrameSchema = z.object({
  type: z.literal('error'),
  code: z.string(),
  message: z.string(),
  space: spaceIdSchema.optional(),
  retryAfterMs: z.int().min(0).optional(),
})
export const heartbeatFrameSchema = z.object({
  type: z.literal('heartbeat'),
  at: timeMsSchema,
  heads: z.record(spaceIdSchema, versionSchema),
  apiAway: z.boolean().optional().describe('This gateway gets no answer from the api'),
})
export const goodbyeFrameSchema = z.object({
  type: z.literal('goodbye'),
  reason: z.string(),
  reconnectAfterMs: z.int().min(0),
})
export const pongFrameSchema = z.object({ type: z.literal('pong') })
/** There may be work to claim: `GET /v1/work` tells. */
export const workFrameSchema = z.object({ type: z.literal('work') })
/** `null` for a space that is none of one's own any more. */
export const newsFrameSchema = z.object({
  type: z.literal('news'),
  spaces: z.record(spaceIdSchema, newsSchema.nullable()),
  whole: z.boolean().optional().describe('These are all: what was told before of others is void'),
  hasMore: z.boolean().optional().describe('With `whole`: one has more spaces, which changed longer ago'),
})

export const serverFrameSchema = z.discriminatedUnion('type', [
  welcomeFrameSchema,
  snapshotFrameSchema,
  resumedFrameSchema,
  changesFrameSchema,
  presenceChangedFrameSchema,
  signalledFrameSchema,
  unsubscribedFrameSchema,
  errorFrameSchema,
  heartbeatFrameSchema,
  goodbyeFrameSchema,
  pongFrameSchema,
  workFrameSchema,
  newsFrameSchema,
])
export type ServerFrame = z.infer<typeof serverFrameSchema>
export type SnapshotFrame = z.infer<typeof snapshotFrameSchema>
export type ResumedFrame = z.infer<typeof resumedFrameSchema>
export type ChangesFrame = z.infer<typeof changesFrameSchema>
export type NewsFrame = z.infer<typeof newsFrameSchema>

const serverFrameTypes: ReadonlySet<string> = new Set(
  serverFrameSchema.options.map((option) => option.shape.type.value),
)

export type ServerLine = Parsed<ServerFrame> | Ignored

/** Parses one line of a gateway's message. */
export const parseServerLine = (line: string): ServerLine =>
  parseLine(line, serverFrameTypes, (json) => parseValue(serverFrameSchema, json))

/** Parses each line of a gateway's message. */
export const parseServerMessage = (message: string): ServerLine[] => splitLines(message).map(parseServerLine)
