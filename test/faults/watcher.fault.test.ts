/** What a client of the harness believes of itself, held against a gateway in good health. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import { Attendance } from './presence/attendance.ts'
import { Watcher } from './watcher.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    gateways: 1,
    // Nobody is slow enough to come back after it.
    env: { gateway: { PRESENCE_GRACE_MS: '60000', DRAIN_GRACE_MS: '1000' } },
  })
})
afterAll(() => cluster?.stop())

test('F9 a page that withdraws and is back within the grace is listed in the state that it believes in', async () => {
  const [{ url: api } = { url: '' }] = cluster.apis
  const { token, being } = await signIn(api, 'Ada')
  const space = freshId('withdrawn')
  await apply(api, token, { space, name: 'space.create', args: { name: 'A space', visibility: 'public' } })
  const page = new Watcher({
    name: 'page',
    being: being.id,
    spaces: [space],
    present: true,
    voice: true,
    attendance: new Attendance(),
    gateways: cluster.gateways.map(({ url }) => url),
    first: 0,
    token,
    onDelivered: () => undefined,
  })
  const isListedAsBelieved = (): boolean =>
    JSON.stringify(page.rosters.get(space)?.roster.list.get(being.id)?.state) === JSON.stringify(page.stateIn(space))
  page.start()
  try {
    await eventually('it is in', () => page.isSettled)
    page.setState(space, { mood: 'busy' })
    await eventually('its state is seen', isListedAsBelieved)
    page.setPresent(space, false)
    page.setPresent(space, true)
    expect(page.stateIn(space)).toEqual({})
    await eventually('it is seen without the state of before', () => page.isSettled && isListedAsBelieved())
  } finally {
    page.stop('politely')
  }
  expect(page.violations).toEqual([])
})
