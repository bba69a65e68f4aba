/** Many, each within its limits: guests, spaces, and those who ask for much and read nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { apply, call, freshId, signIn, utterance, mutate } from '../../wire/api-caller.ts'
import { strangerTo } from '../bytes/strangers.ts'
import { WsPeer } from '../bytes/ws-peer.ts'
import { LOITER_MS } from '../settings.ts'
import type { Arena, Attack } from '../stage.ts'

const ACTORS = 60
const ROUNDS = 4
const SPACES = 64
const UNREAD = 40
const AT_ONCE = 20

async function inTurns<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  for (let at = 0; at < count; at += AT_ONCE)
    done.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, index) => work(at + index)))),
    )
  return done
}

async function manyActors({ api, gateways, stranger, space, claim }: Arena): Promise<void> {
  await inTurns(ACTORS, async (index) => {
    const { token, being } = await stranger(index)
    const ws = await WsPeer.live(gateways[index % 2] ?? '', token)
    await ws.say({ type: 'subscribe', space })
    for (let round = 0; round < ROUNDS; round += 1) {
      await ws.say(
        { type: 'presence', space, state: { round } },
        { type: 'signal', space, name: 'typing', data: { round } },
      )
      const answer = await mutate(
        api,
        token,
        { space, name: 'being.move', args: { id: being.id } },
        utterance(space, `${round}`),
      )
      claim(answer.status === 200 || answer.status === 429, `an actor was answered ${answer.status}`)
    }
    await apply(api, token, { space: null, name: 'being.move', args: { id: being.id } }).catch(() => undefined)
    claim(ws.violations.length === 0, ws.violations.join())
    ws.cut()
  })
  await inTurns(200, (index) => signIn(api, `One of many ${index}`))
}

async function manySpaces({ api, gateways, stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger()
  const made = Array.from({ length: SPACES }, () => freshId('many'))
  await apply(api, token, ...made.map((id) => ({ space: id, name: 'space.create', args: { name: id } })))
  await inTurns(4, async (index) => {
    const ws = await WsPeer.live(gateways[index % 2] ?? '', token)
    for (const space of made) await ws.say({ type: 'subscribe', space })
    for (let none = 0; none < 200; none += 1) await ws.say({ type: 'subscribe', space: `@none-${index}-${none}` })
    for (const space of made) await ws.say({ type: 'unsubscribe', space })
    await ws.isServed(30_000)
    claim(ws.violations.length === 0, ws.violations.join())
    ws.cut()
  })
  await inTurns(200, async (index) => {
    const { status } = await call(api, 'GET', `/v1/spaces/@none-${index}`, { token })
    claim(status === 404 || status === 429, `a space that is not there was answered ${status}`)
  })
}

/** A space with as much to say as its snapshot holds, asked for again and again by those who do not read. */
async function unread({ api, gateways: [gateway], stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger(1)
  const space = freshId('large')
  await apply(api, token, { space, name: 'space.create', args: { name: 'Large' } })
  for (let batch = 0; batch < 4; batch += 1)
    await apply(api, token, ...Array.from({ length: 10 }, () => utterance(space, 'x'.repeat(30_000))))
  const sockets = await inTurns(UNREAD, async () => {
    const ws = await WsPeer.live(gateway, token)
    ws.peer.stopReading()
    for (let times = 0; times < 5; times += 1) await ws.say({ type: 'subscribe', space })
    return ws
  })
  for (let round = 0; round < 10; round += 1) await apply(api, token, utterance(space, 'y'.repeat(60_000)))
  const requests = await inTurns(UNREAD, async () => {
    const peer = await strangerTo(api)
    peer.stopReading()
    const ask = `GET /v1/spaces/${space} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
    await peer.send(ask)
    return peer
  })
  await sleep(LOITER_MS)
  for (const ws of sockets) {
    ws.peer.readAgain()
    claim(ws.violations.length === 0, ws.violations.join())
  }
  for (const ws of sockets) ws.cut()
  for (const peer of requests) peer.cut()
}

export const crowds: readonly Attack[] = [
  { name: 'many actors', strike: manyActors },
  { name: 'many spaces, and many that are not there', strike: manySpaces },
  // What lay unsent goes back to the allocator, and not all of it from there to the system. A second time takes no
  // more.
  { name: 'large answers that nobody reads', strike: unread, growthBytes: 112 * 1024 * 1024 },
  { name: 'the same again', strike: unread },
]
