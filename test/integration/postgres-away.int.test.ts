/**
 * Postgres goes away under a running system and comes back: writes are refused with a problem document and
 * Retry-After, nothing is half done, watchers keep what they have, and everything recovers by itself.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rhizom/infra/local/postgres.ts'
import type { Service } from '@rhizom/infra/local/service.ts'
import { problemSchema, type Snapshot } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, mutate, type Session, signIn, utterance } from '../wire/api-caller.ts'

let directory: string
let postgres: Service
let cluster: Cluster
let api: string
let ada: Session
let space: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rhizom-postgres-away-'))
  postgres = await startPostgres({ directory })
  cluster = await startCluster({ adminDatabaseUrl: postgres.url, redisUrl: provided('TEST_REDIS_URL'), gateways: 1 })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
  space = freshId('away')
  await apply(api, ada.token, { space, name: 'space.create', args: { name: 'Away' } })
})
afterAll(async () => {
  await cluster?.stop()
  await postgres?.stop()
  rmSync(directory, { recursive: true, force: true })
})

test.each(['SIGKILL', 'SIGINT'] as const)('%s of Postgres: refused, nothing half done, recovered', async (signal) => {
  const watcher = await RawClient.welcomed(cluster.gateways[0]?.url ?? '', ada.token)
  watcher.send({ type: 'subscribe', space })
  const { version } = await watcher.frame('snapshot')
  const internal = cluster.apis[0]?.internalUrl ?? ''

  await postgres.stop(signal)
  const lost = Array.from({ length: 8 }, (_, index) => ({ id: uuidv7(), ...utterance(space, `${signal} ${index}`) }))
  const refused = await Promise.all(lost.map((mutation) => mutate(api, ada.token, mutation)))
  for (const answer of refused) {
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(problemSchema.parse(answer.body)).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) })
  }
  expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).status).toBe(503)
  await eventually('the api says that it is not ready', async () => (await fetch(`${internal}/readyz`)).status === 503)
  expect((await fetch(`${api}/healthz`)).status).toBe(200)
  watcher.send({ type: 'ping' })
  await watcher.frame('pong')

  postgres = await startPostgres({ directory, port: postgres.port })
  await eventually('the api is ready again', async () => (await fetch(`${internal}/readyz`)).status === 200)
  for (const { id } of lost)
    expect((await call(api, 'GET', `/v1/mutations/${id}`, { token: ada.token })).status).toBe(404)
  const again = await mutate(api, ada.token, ...lost)
  expect(again.body.results.map((result) => result.status)).toEqual(lost.map(() => 'applied'))

  const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
  expect(body.version).toBe(version + lost.length)
  await watcher.until('what was written afterwards', () =>
    watcher.frames.some((frame) => frame.type === 'changes' && frame.to === body.version),
  )
  expect(watcher.closed).toBeUndefined()
  watcher.close()
})
