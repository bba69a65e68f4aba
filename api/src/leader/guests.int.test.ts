import { eventually } from '@rhizom/kit/eventually.ts'
import { changesAnswerSchema, REDIS, snapshotSchema } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { freshDatabase } from '../testing/fresh-database.ts'
import { freshId, sealedEntry, startApi, uuid } from '../testing/test-api.ts'

test('A111 a guest who left long ago is listed no more, and whoever is here, came lately or is no guest stays', async () => {
  const database = await freshDatabase()
  // Gateways of other tests live in the one that is shared.
  const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? '')
  redisUrl.pathname = '/8'
  const redis = new Redis(redisUrl.href)
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined })
  const env = { REDIS_URL: redisUrl.href, PRUNE_INTERVAL_MS: '50', HEADS_INTERVAL_MS: '50', GUEST_STAY_SECONDS: '3600' }
  const api = await startApi({ databaseUrl: database.url, env })
  const gateway = uuid()
  try {
    const space = freshId('space')
    const owner = await api.signIn('Owner')
    await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space' } })
    const [gone, here, lately] = [await api.signIn('Gone'), await api.signIn('Here'), await api.signIn('Lately')]
    const bot = freshId('bot')
    for (const { token, being } of [gone, here, lately])
      await api.mutate(token, { space, name: 'being.move', args: { id: being.id } })
    await api.mutate(owner.token, { space, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } })
    const snapshot = async () =>
      snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token: owner.token })).body)
    const located = async () =>
      (await snapshot()).beings.filter((being) => being.location === space).map(({ id }) => id)
    await sql`update beings set modified_at = now() - interval '2 hours' where id <> ${lately.being.id}`
    await sql`update beings set last_seen_at = now() - interval '90 minutes' where id = ${gone.being.id}`

    const field = `${gateway}/${here.being.id}`
    await redis.hset(REDIS.here(space), field, sealedEntry(api, REDIS.here(space), field, { state: {}, since: 5 }))
    await redis.set(REDIS.gatewayLease(gateway), JSON.stringify({ formerly: [] }), 'PX', 60_000)
    await redis.zadd(REDIS.knownGateways, Date.now(), gateway)

    await eventually('the one who left is listed no more', async () => !(await located()).includes(gone.being.id))
    expect((await located()).sort()).toEqual([here.being.id, lately.being.id, bot].sort())
    const { epoch, version, beingCount } = await snapshot()
    expect(beingCount).toBe(3)
    const { body } = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=${version - 1}`, {
      token: owner.token,
    })
    expect(changesAnswerSchema.parse(body).changes).toMatchObject([
      { kind: 'being.remove', actor: gone.being.id, body: { id: gone.being.id } },
    ])
  } finally {
    await redis.del(REDIS.gatewayLease(gateway))
    await redis.zrem(REDIS.knownGateways, gateway)
    redis.disconnect()
    await api.stop()
    await sql.end()
    await database.drop()
  }
})
