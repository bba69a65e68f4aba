/** A client on a wire that is cut, delayed, and loses and doubles what passes. */
import { expect, test } from 'vitest'
import { createClient } from '../client.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { createTimeline } from './timeline.ts'
import { createWire, NO_FAULTS } from './wire.ts'

function aStage() {
  const server = new ScriptedServer()
  const inner = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const wire = createWire(inner)
  const log = new SpaceLog('@lobby')
  server.serve(log)
  const client = createClient({
    session: { token: 'a-secret', expiresAt: inner.dateMs() + 86_400_000, being: aBeing('@ada') },
    baseUrl: 'http://rhizom.test',
    transports: ['websocket'],
    environment: wire.environment,
  })
  client.watchSpace('@lobby')
  client.connect()
  let serial = 0
  const say = (): void =>
    server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', `${++serial}`) }))
  const shown = () => (client.readSpace('@lobby').content?.intentions ?? []).map(({ content }) => plainText(content))
  const said = () => [...log.intentions.values()].map(({ content }) => plainText(content))
  return { server, inner, wire, client, say, shown, said }
}

test('C220 what passes is noted, without tokens, and not more than the latest 500', async () => {
  const { wire, inner, say } = aStage()
  await inner.settle()
  for (let index = 0; index < 600; index++) say()
  await inner.settle()
  const happenings = wire.timeline.happenings()
  expect(happenings).toHaveLength(500)
  expect(wire.timeline.frameCounts()).toEqual({ in: 602, out: 2 })
  const other = aStage()
  await other.inner.settle()
  const kinds = other.wire.timeline.happenings().map(({ kind, text }) => `${kind} ${text}`)
  expect(kinds.map((text) => text.slice(0, 22))).toEqual(
    [
      'socket opening ws://rhizom.test/v1/sync'.slice(0, 22),
      'socket opened',
      'out {"type":"hello","pr',
      'in {"type":"welcome","s',
      'out {"type":"subscribe"',
      'in {"type":"snapshot","',
    ].map((text) => text.slice(0, 22)),
  )
  expect(kinds.join()).not.toContain('a-secret')
})

test('C221 a cut ends what is open; while the network is cut nothing opens; mended, all of it is there', async () => {
  const { wire, inner, client, say, shown, said } = aStage()
  await inner.settle()
  expect(client.syncStatus().status).toBe('live')
  wire.cut()
  say()
  await inner.advance(20_000)
  expect([client.syncStatus().status, shown()]).toEqual(['live', said()])
  wire.setFaults({ isCut: true })
  say()
  await inner.advance(60_000)
  expect(client.syncStatus().status).not.toBe('live')
  expect((await client.http.listSpaces()).ok).toBe(false)
  wire.setFaults({ isCut: false })
  client.retry()
  await inner.advance(60_000)
  expect([client.syncStatus().status, shown()]).toEqual(['live', said()])
})

test('C221 what is delayed comes later and in order, also when the delay ends', async () => {
  const { wire, inner, say, shown, said } = aStage()
  await inner.settle()
  wire.setFaults({ delayMs: 1_000 })
  say()
  await inner.advance(900)
  expect(shown()).toEqual([])
  wire.setFaults({ delayMs: 0 })
  say()
  await inner.advance(50)
  expect(shown()).toEqual([])
  await inner.advance(100)
  expect(shown()).toEqual(said())
})

test('C222 with a third of all frames lost and a third doubled the client holds what the server has', async () => {
  const { wire, inner, client, say, shown, said } = aStage()
  await inner.settle()
  wire.setFaults({ dropShare: 0.33, doubleShare: 0.33 })
  for (let index = 0; index < 60; index++) {
    say()
    await inner.advance(500)
  }
  const faults = wire.timeline
    .happenings()
    .filter(({ kind }) => kind === 'fault')
    .map(({ text }) => text.split(' ')[0])
  expect(faults).toEqual(expect.arrayContaining(['dropped', 'doubled']))
  wire.setFaults(NO_FAULTS)
  await inner.advance(60_000)
  say()
  await inner.advance(60_000)
  expect(shown()).toEqual(said())
  expect(client.syncStatus().status).toBe('live')
})

test('C221 a cut breaks a stream under way, and a request that is answered is none', async () => {
  let broken: unknown
  const inner = manualEnvironment({
    openSocket: new ScriptedServer().openSocket,
    fetch: async (url, init) => {
      init.signal?.addEventListener('abort', () => (broken = url))
      return new Response('', { headers: { 'content-type': url.endsWith('sse') ? 'text/event-stream' : 'text/plain' } })
    },
  })
  const wire = createWire(inner)
  await wire.environment.fetch('http://rhizom.test/v1/spaces', {})
  wire.cut()
  expect(broken).toBeUndefined()
  await wire.environment.fetch('http://rhizom.test/v1/sync/sse', {})
  wire.cut()
  expect(broken).toBe('http://rhizom.test/v1/sync/sse')
})

test('C220 a timeline can be cleared and counts on', () => {
  const timeline = createTimeline(() => 1)
  let told = 0
  const stop = timeline.onHappening(() => (told += 1))
  timeline.noteFrames('in', 'a\n\nb')
  timeline.clear()
  stop()
  timeline.note({ kind: 'out', text: 'x'.repeat(1_000) })
  expect([told, timeline.frameCounts().in]).toEqual([2, 2])
  expect(timeline.happenings().map(({ text }) => text.length)).toEqual([301])
})
