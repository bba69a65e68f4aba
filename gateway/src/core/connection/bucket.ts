/**
 * How much a client may say: frames per second, as a bucket of tokens. What is refused was never accepted, so nothing
 * accepted is dropped.
 */
export interface BucketSettings {
  perSecond: number
  burst: number
}

/** Tokens at a moment; they grow back with time. */
export interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

export const fullBucket = (settings: BucketSettings, nowMs: number): Bucket => ({ tokens: settings.burst, atMs: nowMs })

export type Taken = { ok: true; bucket: Bucket } | { ok: false; bucket: Bucket; retryAfterMs: number }

/** Bytes of a line that one token pays for: more than any frame needs that would be accepted. */
const BYTES_PER_TOKEN = 4096

/** What a line costs: a token, and one more for each further 4 KiB, since reading it takes as much longer. */
export const lineCost = (bytes: number): number => Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN))

/**
 * Takes tokens, or says when there will be as many. What costs more than a full bucket costs a full bucket: else it
 * could never pass.
 */
export function takeTokens(bucket: Bucket, settings: BucketSettings, nowMs: number, wanted: number): Taken {
  const cost = Math.min(wanted, settings.burst)
  const grown = Math.max(0, nowMs - bucket.atMs) * (settings.perSecond / 1000)
  const tokens = Math.min(settings.burst, bucket.tokens + grown)
  if (tokens >= cost) return { ok: true, bucket: { tokens: tokens - cost, atMs: nowMs } }
  const retryAfterMs = Math.ceil((cost - tokens) * (1000 / settings.perSecond))
  return { ok: false, bucket: { tokens, atMs: nowMs }, retryAfterMs }
}
