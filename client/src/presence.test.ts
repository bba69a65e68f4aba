/** Being here and signalling, as a whole client does it against a scripted server. */
import { LIMITS } from '@rhizom/protocol'
import { afterEach, expect, test } from 'vitest'
import { aClient, type TestClient } from './testing/a-client.ts'
import { SpaceLog } from './testing/space-log.ts'

let current: TestClient | null = null
afterEach(() => current?.client.close())

/** A client that is live; it watches nothing yet. */
async function live() {
  current = aClient()
  current.server.serve(new SpaceLog('@lobby'))
  current.client.connect()
  await current.environment.settle()
  const { server, environment } = current
  const said = (type: string) => server.connection.received.filter((frame) => frame.type === type)
  const cut = async () => {
    server.connection.close(1006)
    await environment.settle()
    await environment.advance(1_000)
  }
  return { ...current, said, cut }
}

test('C108 one is here while any of those who watch a space is present', async () => {
  const { client, environment, said } = await live()
  const leave = client.watchSpace('@lobby', { present: false })
  await environment.settle()
  expect(said('subscribe')).toEqual([{ type: 'subscribe', space: '@lobby', present: false }])
  const position = client.readSpace('@lobby').content?.position
  const [stopBeingHere, stopToo] = [client.watchSpace('@lobby'), client.watchSpace('@lobby')]
  await environment.settle()
  expect(said('subscribe').slice(1)).toEqual([
    { type: 'subscribe', space: '@lobby', epoch: position?.epoch, after: position?.version, present: true },
  ])
  stopBeingHere()
  await environment.advance(5_000)
  expect(said('subscribe')).toHaveLength(2)
  stopToo()
  client.watchSpace('@lobby')()
  await environment.advance(900)
  expect(said('subscribe')).toHaveLength(2)
  await environment.advance(100)
  expect(said('subscribe').at(-1)).toMatchObject({ present: false, after: position?.version })
  expect(client.readSpace('@lobby').subscription.status).toBe('current')
  leave()
})

test('C108 one who only lingers on a space is no longer here', async () => {
  const { client, environment, said, cut } = await live()
  const leave = client.watchSpace('@lobby')
  await environment.settle()
  leave()
  await environment.advance(1_000)
  expect(said('subscribe').at(-1)).toMatchObject({ present: false })
  await cut()
  expect(said('subscribe')).toMatchObject([{ present: false }])
})

test('C109 a state is told at once, then of many the latest, and anew with every answer', async () => {
  const { client, environment, said, cut } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  for (let x = 0; x < 50; x += 1) client.setPresence('@lobby', { x })
  expect(said('presence')).toEqual([{ type: 'presence', space: '@lobby', state: { x: 0 } }])
  await environment.advance(200)
  expect(said('presence')).toHaveLength(2)
  expect(said('presence').at(-1)).toMatchObject({ state: { x: 49 } })
  await cut()
  expect(said('presence')).toEqual([{ type: 'presence', space: '@lobby', state: { x: 49 } }])
})

test('C109 a state set before the answer, or without a connection, is told when it can be', async () => {
  const { client, server, environment, said } = await live()
  client.watchSpace('@lobby')
  client.setPresence('@lobby', { away: true })
  expect(said('presence')).toEqual([])
  await environment.advance(300)
  expect(said('presence')).toHaveLength(1)
  server.connection.close(1006)
  await environment.settle()
  client.setPresence('@lobby', {})
  await environment.advance(2_000)
  expect(said('presence')).toEqual([{ type: 'presence', space: '@lobby', state: {} }])
})

test('C109 fifty states a second stay well under the frames a connection may say', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  for (let tick = 0; tick < 100; tick += 1) {
    client.setPresence('@lobby', { tick })
    await environment.advance(20)
  }
  expect(said('presence').length).toBeLessThanOrEqual(11)
})

test('C112 of one signal the first goes at once and then the latest of each second', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  for (let n = 0; n < 10; n += 1) client.sendSignal('@lobby', 'wave', { n })
  client.sendSignal('@lobby', 'point')
  expect(said('signal')).toEqual([
    { type: 'signal', space: '@lobby', name: 'wave', data: { n: 0 } },
    { type: 'signal', space: '@lobby', name: 'point', data: {} },
  ])
  await environment.advance(1_000)
  expect(said('signal').slice(2)).toEqual([{ type: 'signal', space: '@lobby', name: 'wave', data: { n: 9 } }])
})

test('C112 a signal is dropped without a connection, and none that waited is sent after a reconnect', async () => {
  const { client, environment, said, cut } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  client.sendSignal('@lobby', 'wave', { n: 1 })
  client.sendSignal('@lobby', 'wave', { n: 2 })
  await cut()
  client.notifyTyping('@elsewhere')
  await environment.advance(5_000)
  expect(said('signal')).toEqual([])
})

test('C112 typing is told about once a second and never as a last word', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  for (let key = 0; key < 21; key += 1) {
    client.notifyTyping('@lobby')
    await environment.advance(100)
  }
  expect(said('signal')).toHaveLength(3)
  await environment.advance(5_000)
  expect(said('signal')).toHaveLength(3)
})

test('C118 erasing takes typing back, once, and only what others may still believe', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  const typed = { type: 'signal', space: '@lobby', name: 'typing', data: {} }
  const erased = { ...typed, data: { stopped: true } }
  client.stopTyping('@lobby')
  expect(said('signal')).toEqual([])
  client.notifyTyping('@lobby')
  client.stopTyping('@lobby')
  client.stopTyping('@lobby')
  expect(said('signal')).toEqual([typed, erased])
  await environment.advance(1_000)
  client.notifyTyping('@lobby')
  await environment.advance(4_000)
  client.stopTyping('@lobby')
  expect(said('signal')).toEqual([typed, erased, typed])
})

test('C118 what is typed after erasing is told at once', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  client.notifyTyping('@lobby')
  client.stopTyping('@lobby')
  client.notifyTyping('@lobby')
  expect(said('signal').map((frame) => frame.type === 'signal' && frame.data)).toEqual([{}, { stopped: true }, {}])
})

test('C118 whoever writes and erases by turns says little of it, and ends with what is so', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  const saidNow = () => said('signal').map((frame) => frame.type === 'signal' && frame.data)
  for (let turn = 0; turn < 50; turn += 1) {
    client.stopTyping('@lobby')
    await environment.advance(50)
    client.notifyTyping('@lobby')
    await environment.advance(50)
  }
  expect(said('signal').length).toBeLessThanOrEqual(16)
  await environment.advance(5_000)
  expect(saidNow().at(-1)).toEqual({})
  client.notifyTyping('@lobby')
  client.stopTyping('@lobby')
  client.notifyTyping('@lobby')
  client.stopTyping('@lobby')
  await environment.advance(1_000)
  expect(saidNow().at(-1)).toEqual({ stopped: true })
})

test('C118 typing of another that is taken back ends at once', async () => {
  const { client, server, environment } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  server.signal('@lobby', '@bob', 'typing')
  await environment.settle()
  expect(client.readSpace('@lobby').typing).toHaveLength(1)
  server.signal('@lobby', '@bob', 'typing', { stopped: true })
  await environment.settle()
  expect(client.readSpace('@lobby').typing).toEqual([])
})

test('C116 one knows of oneself for as long as one is here, with the state set last, also after the store was emptied', async () => {
  const { client, environment } = await live()
  const stopWatching = client.watchSpace('@lobby', { present: false })
  await environment.settle()
  expect(client.readSpace('@lobby').own.here).toBeUndefined()
  const leave = client.watchSpace('@lobby')
  const cameAtMs = environment.dateMs()
  await environment.advance(500)
  expect(client.readSpace('@lobby').own.here).toEqual({ being: '@ada', state: {}, since: cameAtMs })
  client.setPresence('@lobby', { status: 'busy' })
  expect(client.readSpace('@lobby').own.here).toMatchObject({ state: { status: 'busy' }, since: cameAtMs })
  client.store.remove('@lobby')
  await environment.settle()
  expect(client.readSpace('@lobby').own.here).toMatchObject({ being: '@ada', state: { status: 'busy' } })
  leave()
  await environment.advance(900)
  expect(client.readSpace('@lobby').own.here).toBeDefined()
  await environment.advance(100)
  expect(client.readSpace('@lobby').own.here).toBeUndefined()
  stopWatching()
})

test('C113 what is too large or malformed is refused before anything is sent', async () => {
  const { client, environment, said } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  const large = { text: 'x'.repeat(LIMITS.maxStateBytes) }
  expect(client.setPresence('@lobby', large)).toMatchObject({ ok: false, code: 'too-large' })
  expect(client.sendSignal('@lobby', 'wave', large)).toMatchObject({ ok: false, code: 'too-large' })
  expect(client.sendSignal('@lobby', '', {})).toMatchObject({ ok: false, code: 'malformed' })
  await environment.advance(2_000)
  expect([...said('presence'), ...said('signal')]).toEqual([])
})

test('C114 signals reach those who listen to their name, while they do', async () => {
  const { client, server, environment } = await live()
  client.watchSpace('@lobby')
  const heard: unknown[] = []
  const stop = client.onSignal('@lobby', 'wave', (signal) => heard.push(signal))
  await environment.settle()
  server.signal('@lobby', '@bob', 'wave', { n: 1 })
  server.signal('@lobby', '@bob', 'other')
  await environment.settle()
  stop()
  server.signal('@lobby', '@bob', 'wave', { n: 2 })
  await environment.settle()
  expect(heard).toEqual([{ name: 'wave', from: '@bob', data: { n: 1 } }])
})

test('C110 typing that was heard runs out by itself', async () => {
  const { client, server, environment } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  server.signal('@lobby', '@bob', 'typing')
  await environment.advance(3_000)
  expect(client.readSpace('@lobby').typing).toHaveLength(1)
  await environment.advance(1_000)
  expect(client.readSpace('@lobby').typing).toEqual([])
})

test('C58 a client that is closed leaves no timer of states and signals', async () => {
  const { client, server, environment } = await live()
  client.watchSpace('@lobby')
  await environment.settle()
  server.signal('@lobby', '@bob', 'typing')
  client.setPresence('@lobby', { x: 1 })
  client.sendSignal('@lobby', 'wave')
  await environment.settle()
  client.close()
  client.sendSignal('@lobby', 'wave', { late: true })
  await environment.advance(2_000)
  expect(environment.timersLeft()).toBe(0)
})
