/** Publishes what is told again and again. With Redis away it is dropped: gateways then ask for themselves. */
import { isRedisFailure } from '@rhizom/process'
import type { Redis } from 'ioredis'

export async function announce(redis: Redis, channel: string, message: string): Promise<'sent' | 'dropped'> {
  if (redis.status !== 'ready') return 'dropped'
  try {
    await redis.publish(channel, message)
    return 'sent'
  } catch (error) {
    // The connection's own error listener says why.
    if (isRedisFailure(error)) return 'dropped'
    throw error
  }
}
