/** Moving to another connection before the first is let go, on a scripted server. */
import type { ClientFrame, ServerFrame } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { WATCH_TIMES } from './core/times.ts'
import { aClient, type TestClient } from './testing/a-client.ts'
import { anUtterance, SpaceLog } from './testing/space-log.ts'

const aLobby = (): SpaceLog => new SpaceLog('@lobby')

function liveClient(): TestClient & { log: SpaceLog } {
  const made = aClient()
  const log = aLobby()
  made.server.serve(log)
  made.client.watchSpace('@lobby')
  made.client.connect()
  return { ...made, log }
}

const say = (log: SpaceLog, text: string) =>
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', text) })
const versionOf = ({ client }: TestClient): number | undefined => client.readSpace('@lobby').content?.position.version

test('C85 goodbye opens a second connection, and only when that has answered for every space is the first closed', async () => {
  const made = liveClient()
  const { client, server, environment, log } = made
  await environment.settle()
  const first = server.connection
  const seen: string[] = []
  client.onSyncStatus(() => seen.push(client.syncStatus().status))
  first.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 300 })
  await environment.advance(250)
  expect(server.connections).toHaveLength(1)
  server.answersSubscribe = false
  await environment.advance(100)
  expect(server.connections).toHaveLength(2)
  const second = server.connection
  expect(second.received.map(({ type }) => type)).toEqual(['hello', 'subscribe'])
  expect(first.open).toBe(true)
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
  // The first is still heard.
  const change = say(log, 'meanwhile')
  first.send({ type: 'changes', space: '@lobby', epoch: log.epoch, from: 0, to: 1, changes: [change] })
  await environment.settle()
  expect(versionOf(made)).toBe(1)
  second.send({
    type: 'resumed',
    space: '@lobby',
    epoch: log.epoch,
    from: 0,
    to: 1,
    changes: [change],
    here: [],
    hereCount: 0,
  })
  await environment.settle()
  expect(first.open).toBe(false)
  expect(client.syncStatus()).toMatchObject({ status: 'live' })
  expect(seen.every((status) => status === 'live')).toBe(true)
  const after = say(log, 'after')
  second.send({ type: 'changes', space: '@lobby', epoch: log.epoch, from: 1, to: 2, changes: [after] })
  await environment.settle()
  expect(versionOf(made)).toBe(2)
})

test('C85 what cannot be reached elsewhere yet costs nothing: the first goes on, and it is tried again', async () => {
  const { client, server, environment } = liveClient()
  await environment.settle()
  const first = server.connection
  server.script = 'refuse'
  first.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 0 })
  await environment.advance(1_000)
  expect(client.syncStatus().status).toBe('live')
  expect(first.open).toBe(true)
  server.script = 'serve'
  await environment.advance(5_000)
  expect(first.open).toBe(false)
  expect(client.syncStatus().status).toBe('live')
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
})

test('C85 the first goes before the second has answered: the second is the only one, and all is asked for again', async () => {
  const { client, server, environment } = liveClient()
  await environment.settle()
  const first = server.connection
  server.answersSubscribe = false
  first.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 0 })
  await environment.advance(100)
  const second = server.connection
  expect(second).not.toBe(first)
  server.answersSubscribe = true
  first.close(4000, 'draining')
  await environment.settle()
  expect(client.syncStatus().status).toBe('live')
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
  expect(server.connections).toHaveLength(2)
})

test('C85 the second goes before it has answered: all is asked for over the first again', async () => {
  const made = liveClient()
  const { client, server, environment } = made
  await environment.settle()
  const first = server.connection
  server.answersSubscribe = false
  first.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 0 })
  await environment.advance(100)
  const askedBefore = first.received.length
  server.answersSubscribe = true
  server.connection.close(1006)
  await environment.settle()
  expect(first.received.slice(askedBefore).map(({ type }) => type)).toEqual(['subscribe'])
  expect(client.syncStatus().status).toBe('live')
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
})

test('C85 a client that is closed meanwhile leaves neither', async () => {
  const { client, server, environment } = liveClient()
  await environment.settle()
  server.answersSubscribe = false
  server.connection.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 0 })
  await environment.advance(100)
  expect(server.connections.map(({ open }) => open)).toEqual([true, true])
  client.close()
  await environment.settle()
  expect(server.connections.map(({ open }) => open)).toEqual([false, false])
  expect(environment.timersLeft()).toBe(0)
})

/** Two spaces of which one is not watched any more, and a move that begins just before its subscription ends. */
async function movingWithOneToEnd() {
  const made = liveClient()
  const { client, server, environment } = made
  server.serve(new SpaceLog('@attic'))
  client.watchSpace('@attic')()
  await environment.settle()
  await environment.advance(WATCH_TIMES.lingerMs - 1_000)
  const first = server.connection
  server.answersSubscribe = false
  first.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 0 })
  await environment.advance(100)
  const second = server.connection
  expect(second).not.toBe(first)
  expect(second.received.map((frame) => ('space' in frame ? frame.space : frame.type))).toEqual([
    'hello',
    '@lobby',
    '@attic',
  ])
  return { ...made, first, second, end: () => environment.advance(1_000) }
}

const answer = (log: SpaceLog): ServerFrame => ({
  type: 'resumed',
  space: log.id,
  epoch: log.epoch,
  from: 0,
  to: 0,
  changes: [],
  here: [],
  hereCount: 0,
})

const spacesEnded = ({ received }: { received: readonly ClientFrame[] }) =>
  received.flatMap((frame) => (frame.type === 'unsubscribe' ? [frame.space] : []))

test('C188 what is watched no more while moving is told over both connections, and no answer for it is waited for', async () => {
  const { client, server, environment, first, second, log, end } = await movingWithOneToEnd()
  second.send(answer(log))
  await environment.settle()
  expect(first.open).toBe(true)
  await end()
  expect(spacesEnded(first)).toEqual(['@attic'])
  expect(spacesEnded(second)).toEqual(['@attic'])
  expect(first.open).toBe(false)
  expect(second.open).toBe(true)
  expect(server.connections).toHaveLength(2)
  expect(client.readSpace('@attic').content).toBeUndefined()
})

test('C188 what is watched no more while a move fails is not asked for again over the first connection', async () => {
  const { client, server, environment, first, second, end } = await movingWithOneToEnd()
  await end()
  expect(spacesEnded(first)).toEqual(['@attic'])
  const before = first.received.length
  server.answersSubscribe = true
  second.close(1006)
  await environment.settle()
  expect(first.received.slice(before)).toMatchObject([{ type: 'subscribe', space: '@lobby' }])
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
})
