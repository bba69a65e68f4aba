/** Publishes what is told again and again. With Redis away it is dropped: gateways then ask for themselves. */
import { type BusSeal, isRedisFailure } from '@rhizom/process'
import type { Redis } from 'ioredis'

export interface Announcing {
  redis: Redis
  seal: BusSeal
}

export async function announce(
  { redis, seal }: Announcing,
  channel: string,
  message: string,
): Promise<'sent' | 'dropped'> {
  const sealed = seal.seal(channel, message)
  if (redis.status !== 'ready' || sealed === undefined) return 'dropped'
  try {
    await redis.publish(channel, sealed)
    return 'sent'
  } catch (error) {
    // The connection's own error listener says why.
    if (isRedisFailure(error)) return 'dropped'
    throw error
  }
}
