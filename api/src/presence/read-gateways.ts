/** Which gateways Redis knows: their leases, and in how many spaces somebody is here through them. */
import { type Nodes, REDIS } from '@rhizom/protocol'
import type { Redis } from 'ioredis'

export async function readGateways(redis: Redis): Promise<Nodes['gateways']> {
  const ids = await redis.zrange(REDIS.knownGateways, '0', '-1')
  return Promise.all(
    ids.map(async (id) => {
      const [leaseMs, spaces] = await Promise.all([
        redis.pttl(REDIS.gatewayLease(id)),
        redis.scard(REDIS.gatewaySpaces(id)),
      ])
      const isAlive = leaseMs > 0
      return { id, isAlive, leaseMs: isAlive ? leaseMs : null, spaces }
    }),
  )
}
