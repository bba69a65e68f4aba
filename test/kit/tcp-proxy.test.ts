import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Target, TcpProxy } from './tcp-proxy.ts'

/** A server that says back what it hears. */
interface Echo {
  target: Target
  sockets: Socket[]
  close(): void
}

interface Caller {
  socket: Socket
  heard: () => string
  ended: () => string | undefined
}

let echoes: Echo[] = []
let callers: Caller[] = []
let proxy: TcpProxy

const echo = (name: string): Promise<Echo> =>
  new Promise((resolve) => {
    const sockets: Socket[] = []
    const server: Server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (chunk) => socket.write(`${name}${chunk.toString()}`))
      socket.on('error', () => socket.destroy())
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const close = (): void => {
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      const made = { target: { host: '127.0.0.1', port }, sockets, close }
      echoes.push(made)
      resolve(made)
    })
  })

function call(port = proxy.port): Caller {
  const socket = connect({ host: '127.0.0.1', port })
  let heard = ''
  let ended: string | undefined
  socket.on('data', (chunk) => (heard += chunk.toString()))
  socket.on('error', (error) => (ended = 'code' in error ? String(error.code) : error.message))
  socket.on('close', () => (ended ??= 'closed'))
  const caller = { socket, heard: () => heard, ended: () => ended }
  callers.push(caller)
  return caller
}

/** Says something and waits for the echo. */
async function exchange(caller: Caller, said: string, answer = said): Promise<void> {
  caller.socket.write(said)
  await eventually(`the echo of ${said}`, () => caller.heard().endsWith(answer), 30_000)
}

const isReset = (caller: Caller): Promise<unknown> =>
  eventually('a reset', () => caller.ended() === 'ECONNRESET' || caller.ended() === 'EPIPE', 30_000)

beforeEach(async () => {
  proxy = await TcpProxy.listen('test')
  proxy.retarget((await echo('')).target)
})

afterEach(async () => {
  for (const { socket } of callers) socket.destroy()
  for (const each of echoes) each.close()
  callers = []
  echoes = []
  await proxy.close()
})

test('F23 what passes is what was sent, in order, also slowly', async () => {
  const caller = call()
  const sent = Array.from({ length: 3_000 }, (_, index) => `${index};`).join('')
  await exchange(caller, sent, '2999;')
  expect(caller.heard()).toBe(sent)
  proxy.delay(30)
  const begun = performance.now()
  for (const word of ['a', 'b', 'c']) caller.socket.write(word)
  await eventually('the late echo', () => caller.heard().endsWith('abc'), 30_000)
  expect(performance.now() - begun).toBeGreaterThan(55)
})

test('F23 a cut link resets what stands and what comes, and carries again when healed', async () => {
  const before = call()
  await exchange(before, 'hello')
  proxy.cut()
  await isReset(before)
  const during = call()
  await eventually('the end', () => during.ended() !== undefined, 30_000)
  await eventually('the server is told', () => echoes[0]?.sockets.every((socket) => socket.destroyed) ?? false, 30_000)
  proxy.heal()
  const after = call()
  await exchange(after, 'again')
  expect([before.heard(), during.heard(), after.heard()]).toEqual(['hello', '', 'again'])
})

test('F23 a blackhole swallows what is said, and an end as well', async () => {
  const standing = call()
  await exchange(standing, 'hello')
  proxy.blackhole()
  standing.socket.write('unheard')
  const coming = call()
  await eventually('a connection', () => coming.socket.readyState === 'open', 30_000)
  coming.socket.write('unheard')
  const leaving = call()
  leaving.socket.end()
  await exchange(call(await otherLink()), 'time passes')
  expect([standing.heard(), coming.heard(), standing.ended(), coming.ended()]).toEqual([
    'hello',
    '',
    undefined,
    undefined,
  ])
  expect(echoes[0]?.sockets.some((socket) => socket.destroyed)).toBe(false)
})

test('F23 after a blackhole a connection of that time is silent until somebody speaks, then reset', async () => {
  const speaks = call()
  const listens = call()
  await Promise.all([exchange(speaks, 'hello'), exchange(listens, 'hello')])
  proxy.blackhole()
  proxy.heal()
  await exchange(call(), 'a new one is carried')
  expect([speaks.ended(), listens.ended()]).toEqual([undefined, undefined])
  speaks.socket.write('anybody there?')
  await isReset(speaks)
  echoes[0]?.sockets[1]?.write('hello?')
  await isReset(listens)
})

test('F23 abandoned connections are silent for ever, and new ones are carried', async () => {
  const standing = call()
  await exchange(standing, 'hello')
  proxy.abandon()
  standing.socket.write('anybody there?')
  echoes[0]?.sockets[0]?.write('hello?')
  await exchange(call(), 'a new one is carried')
  proxy.heal()
  standing.socket.write('and now?')
  await exchange(call(), 'another one')
  expect([standing.heard(), standing.ended()]).toEqual(['hello', undefined])
})

test('F23 a link is cut after a piece that was sent, whose answer never comes', async () => {
  const seen: string[] = []
  proxy.watchSending((piece) => seen.push(piece.toString()))
  proxy.cutAfterSending((piece) => piece.includes('last'))
  const caller = call()
  await exchange(caller, 'first')
  const heardThere = new Promise((resolve) => echoes[0]?.sockets[0]?.on('data', (chunk) => resolve(chunk.toString())))
  caller.socket.write('last')
  await eventually('the end', () => caller.ended() !== undefined, 30_000)
  expect([await heardThere, caller.heard(), seen]).toEqual(['last', 'first', ['first', 'last']])
  await exchange(call(), 'last, but not of this link')
})

test('F23 a new connection is cut after so many bytes of its answer, until all may pass', async () => {
  proxy.cutAfterReceiving(3)
  const short = call()
  short.socket.write('hello')
  await eventually('the end', () => short.ended() !== undefined, 30_000)
  expect(short.heard()).toBe('hel')
  proxy.cutAfterReceiving()
  await exchange(call(), 'hello')
})

test('F23 new connections go to the new target, past one that refuses', async () => {
  const old = call()
  await exchange(old, 'x')
  const other = await echo('other:')
  const gone = await echo('gone:')
  gone.close()
  proxy.retarget(gone.target, other.target)
  const next = call()
  await exchange(next, 'x', 'other:x')
  await exchange(call(), 'y', 'other:y')
  await exchange(old, 'still')
  expect([old.heard(), next.heard()]).toEqual(['xstill', 'other:x'])
})

/** A link of its own, to let time pass by something that happens. */
async function otherLink(): Promise<number> {
  return (await echo('')).target.port
}
