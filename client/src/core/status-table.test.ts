/** What the table of docs/sync-status.md says of reading and writing, on a client that is in each state. */
import { CLOSE } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { newId } from '../sync/new-id.ts'
import { aClient, type TestClient } from '../testing/a-client.ts'
import { problem } from '../testing/scripted-server.ts'
import { anUtterance, SpaceLog } from '../testing/space-log.ts'
import { STATUS_TABLE } from './status-table.ts'
import type { SyncStatus } from './sync-status.ts'

const POST = 'POST /v1/mutations'

/** A client that was live and knows of one utterance. */
async function aLiveClient() {
  const made = aClient()
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') })
  made.server.serve(log)
  made.client.watchSpace('@lobby')
  made.client.connect()
  await made.environment.settle()
  return made
}

const answers = ({ server }: TestClient) =>
  server.route(POST, (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({
        id,
        status: 'applied',
        version: 9,
      })),
    },
  }))

async function lose({ server, environment }: TestClient, ms: number): Promise<void> {
  server.script = 'refuse'
  server.connection.close(1006)
  server.route(POST, () => 'fail')
  await environment.advance(ms)
}

const WAYS: Partial<Record<SyncStatus['status'], (made: TestClient) => Promise<void>>> = {
  live: async (made) => answers(made),
  connecting: (made) => lose(made, 0),
  offline: (made) => lose(made, 60_000),
  error: async (made) => {
    made.server.connection.close(CLOSE.notAuthenticated.code)
    made.server.route(POST, () => ({ status: 401, body: problem(401, 'not-authenticated') }))
    made.server.route('POST /v1/sessions/current/refresh', () => ({
      status: 401,
      body: problem(401, 'not-authenticated'),
    }))
    await made.environment.settle()
  },
}

/** What the table calls an outcome, at once or not yet. */
const WORDS: Readonly<Record<string, string>> = {
  applied: 'at once',
  none: 'when the server answers',
  rejected: 'refused where signing in is the remedy',
}

// Polling needs an api that has changes: transports.int.test.ts reads and writes by it.
test.each(Object.keys(WAYS))('C192 in %s one reads and writes as the table says', async (name) => {
  const made = await aLiveClient()
  const { client, environment } = made
  const [way] = Object.entries(WAYS).flatMap(([status, run]) => (status === name ? [run] : []))
  await way?.(made)
  const { status } = client.syncStatus()
  expect(status).toBe(name)
  const { read, write } = STATUS_TABLE[status]
  const space = client.readSpace('@lobby')
  expect(space.content?.intentions).toHaveLength(1)
  expect(space.subscription.status === 'current').toBe(read === 'as it is')
  let outcome: string | undefined
  const words = { id: newId(), type: 'utterance' as const, content: ['mine'] }
  void client.mutate('intention.create', '@lobby', words).then((told) => (outcome = told.status))
  await environment.settle()
  expect(write).toBe(WORDS[outcome ?? 'none'])
  if (outcome === undefined) {
    expect(client.readSpace('@lobby').content?.intentions).toHaveLength(2)
    answers(made)
    await environment.advance(60_000)
    expect(outcome).toBe('applied')
  }
  client.close()
})

test('C192 every status has its line, and the status of a space is told with that of the connection', async () => {
  expect(Object.keys(STATUS_TABLE).toSorted()).toEqual(['connecting', 'error', 'live', 'offline', 'polling'])
  const { client, server, environment } = await aLiveClient()
  let told = 0
  client.onSyncStatus(() => (told += 1))
  expect(client.spaceStatus('@lobby')).toMatchObject({ status: 'live', pendingCount: 0 })
  expect(client.spaceStatus('@lobby')).toBe(client.spaceStatus('@lobby'))
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'revoked', message: 'It may not be read.' })
  await environment.settle()
  expect(told).toBe(1)
  expect(client.spaceStatus('@lobby')).toMatchObject({ status: 'error', reason: 'It may not be read.' })
  expect(client.syncStatus()).toMatchObject({ status: 'live', pendingCount: 0 })
  server.route(POST, () => 'fail')
  void client.mutate('space.create', '@attic', { name: 'Attic', visibility: 'public' })
  await environment.settle()
  expect(client.syncStatus()).toMatchObject({ status: 'live', pendingCount: 1 })
  expect(client.spaceStatus('@attic').pendingCount).toBe(1)
  expect(client.spaceStatus('@lobby').pendingCount).toBe(0)
  client.close()
})

test('C191 a gateway that is back within a second leaves what is shown as it was', async () => {
  const { client, server, environment } = await aLiveClient()
  const shown: string[] = []
  client.onShownStatus(() => shown.push(client.shownStatus().status))
  server.connection.close(1006)
  await environment.settle()
  expect([client.syncStatus().status, client.shownStatus().status]).toEqual(['connecting', 'live'])
  await environment.advance(900)
  expect(client.syncStatus().status).toBe('live')
  server.script = 'refuse'
  server.connection.close(1006)
  await environment.advance(1_100)
  expect(client.shownStatus().status).toBe(client.syncStatus().status)
  expect([...new Set(shown)]).toEqual(['live', client.syncStatus().status])
  client.close()
  expect(environment.timersLeft()).toBe(0)
})
