/** Which gateways Redis knows: their leases, and in how many spaces somebody is here through them. */
import type { Nodes, RedisNames } from '@rhizom/protocol'
import type { Redis } from 'ioredis'

export async function readGateways(redis: Redis, names: RedisNames): Promise<Nodes['gateways']> {
  const ids = await redis.zrange(names.knownGateways, '0', '-1')
  return Promise.all(
    ids.map(async (id) => {
      const [leaseMs, spaces] = await Promise.all([
        redis.pttl(names.gatewayLease(id)),
        redis.scard(names.gatewaySpaces(id)),
      ])
      const isAlive = leaseMs > 0
      return { id, isAlive, leaseMs: isAlive ? leaseMs : null, spaces }
    }),
  )
}
