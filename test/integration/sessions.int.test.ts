/** A session that is ended is out on every gateway, also one that is new, and while Redis is dead; others go on. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { postSessionAnswerSchema } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apply, call, freshId, type Session, signIn } from '../wire/api-caller.ts'
import { type Guest, type Stage, startStage } from './presence-stage.ts'

const GATEWAYS = [0, 1, 2]
/** At once, on a machine that is busy with something else: without the word of it this takes until the next check. */
const WITHIN_MS = 10_000
let stage: Stage

beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.stop())

async function isServed({ socket }: Guest): Promise<void> {
  socket.send({ type: 'ping' })
  await socket.frame('pong')
  expect(socket.closed).toBeUndefined()
}

async function isRefused({ token }: Session, index: number): Promise<void> {
  await eventually(`gateway ${index} refuses the token`, async () => {
    const socket = await new RawClient(stage.gateway(index)).opened()
    socket.send({ type: 'hello', protocol: 1, token })
    const { code } = await socket.hasClosed()
    return code === 4501 && socket.frames.every(({ type }) => type === 'error')
  })
}

/** Two sessions of one being, each on two gateways. */
async function scene() {
  const space = await stage.openSpace()
  const owner = await signIn(stage.api, 'Owner')
  const bot = freshId('bot')
  await apply(stage.api, owner.token, {
    space: null,
    name: 'being.create',
    args: { id: bot, type: 'bot', name: 'Bot' },
  })
  const begin = async () =>
    postSessionAnswerSchema.parse(
      (await call(stage.api, 'POST', '/v1/sessions', { token: owner.token, body: { being: bot } })).body,
    )
  const [ended, kept] = [await begin(), await begin()]
  const enter = (session: Session) => Promise.all([0, 1].map((index) => stage.enter(index, session, space)))
  const sockets = { ended: await enter(ended), kept: await enter(kept) }
  const [first, second] = stage.cluster.apis.map(({ url }) => url)
  const isOver = async (): Promise<void> => {
    for (const { socket } of sockets.ended)
      expect(await socket.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
    for (const guest of sockets.kept) await isServed(guest)
  }
  const end = async (): Promise<void> => {
    const { status } = await call(second ?? '', 'DELETE', '/v1/sessions/current', { token: ended.token })
    expect(status).toBe(204)
  }
  return { ended, kept, end, isOver, first: first ?? '', sockets }
}

test('G137 who signs out is closed on all gateways at once, its token refused by gateways and apis; another session goes on', async () => {
  const { ended, kept, end, isOver, first, sockets } = await scene()
  const begunAt = performance.now()
  await end()
  await isOver()
  expect(performance.now() - begunAt).toBeLessThan(WITHIN_MS)
  for (const index of GATEWAYS) await isRefused(ended, index)
  expect((await call(first, 'GET', '/v1/sessions/current', { token: ended.token })).status).toBe(401)
  expect((await call(first, 'POST', '/v1/sessions/renew', { body: { renewal: ended.renewal } })).status).toBe(401)
  const renewed = await call(first, 'POST', '/v1/sessions/renew', { body: { renewal: kept.renewal } })
  expect(renewed.status).toBe(200)
  const { token } = postSessionAnswerSchema.parse(renewed.body)
  for (const guest of sockets.kept) {
    guest.socket.send({ type: 'refresh', token })
    await isServed(guest)
    guest.drop()
  }
})

test('G137 a gateway that starts after the end of a session finds out', async () => {
  const { ended, end, isOver, sockets } = await scene()
  await stage.cluster.gateways[2]?.kill()
  await end()
  await isOver()
  await stage.cluster.gateways[2]?.start()
  await isRefused(ended, 2)
  expect(sockets.kept.map(({ socket }) => socket.closed)).toEqual([undefined, undefined])
})

test('G137 while Redis is dead a session that is ended is closed by asking', async () => {
  const { ended, end, isOver, sockets } = await scene()
  await stage.killRedis()
  await end()
  await isOver()
  for (const index of GATEWAYS) await isRefused(ended, index)
  await stage.reviveRedis()
  expect(sockets.kept.map(({ socket }) => socket.closed)).toEqual([undefined, undefined])
})
