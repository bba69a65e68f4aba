/**
 * Whoever is removed is out: on every gateway, at once, also when messages are lost, Redis is away or a node is new.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { REDIS } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, call, mutate, type Session, signIn } from '../wire/api-caller.ts'
import { type Guest, type Stage, startStage } from './presence-stage.ts'

/** Longer than any test waits: who leaves within it was put out. */
const GRACE_MS = 600_000
const GATEWAYS = [0, 1, 2]
let stage: Stage

beforeAll(async () => {
  stage = await startStage({ graceMs: GRACE_MS })
})
afterAll(() => stage?.stop())

const removal = (session: Session) => ({ space: null, name: 'being.remove', args: { id: session.being.id } })
const remove = (session: Session) => apply(stage.api, session.token, removal(session))

async function isPutOut({ socket }: Guest): Promise<void> {
  expect(await socket.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  expect(socket.frames.at(-1)).toMatchObject({ type: 'error', code: 'not-authenticated' })
}

async function isServed({ socket }: Guest): Promise<void> {
  socket.send({ type: 'ping' })
  await socket.frame('pong')
  expect(socket.closed).toBeUndefined()
}

/** Asked for in turn, as a gateway may be a moment behind. */
async function isRefused(session: Session, index: number): Promise<void> {
  await eventually(`gateway ${index} refuses the token`, async () => {
    const socket = await new RawClient(stage.gateway(index)).opened()
    socket.send({ type: 'hello', protocol: 1, token: session.token })
    const { code } = await socket.hasClosed()
    return code === 4501 && socket.frames.every(({ type }) => type === 'error')
  })
}

/** Ada and Bob look on; the one who is removed is on two gateways. */
async function scene(name: string) {
  const space = await stage.openSpace()
  const eve = await signIn(stage.api, name)
  const [ada, bob] = [await stage.enter(1, stage.ada, space), await stage.enter(0, stage.bob, space)]
  const eves = [await stage.enter(0, eve, space), await stage.enter(1, eve, space)]
  for (const guest of [ada, bob]) await guest.sees(stage.ada, stage.bob, eve)
  const closes = (): (number | undefined)[] => eves.map(({ socket }) => socket.closed?.code)
  const over = async (): Promise<void> => {
    for (const guest of [ada, bob]) {
      await guest.sees(stage.ada, stage.bob)
      await isServed(guest)
      expect(guest.comings(eve.being.id).at(-1)).toBe('left')
      guest.drop()
    }
  }
  return { space, eve, eves, closes, over }
}

test('G62 G63 who is removed is put out of every gateway and of presence at once; all others stay', async () => {
  const { space, eve, eves, over } = await scene('Eve')
  const signal = { type: 'signal', name: 'typing', data: { on: true } }
  for (const guest of eves) guest.send(signal)
  const begunAt = performance.now()
  await remove(eve)
  for (const guest of eves) await isPutOut(guest)
  expect(performance.now() - begunAt).toBeLessThan(10_000)
  await over()
  expect(await stage.stored(space)).not.toContain(eve.being.id)
  for (const index of GATEWAYS) await isRefused(eve, index)
})

test('G62 who is removed in the space they are in is put out', async () => {
  const { space, eve, eves, closes, over } = await scene('Guest')
  await apply(stage.api, eve.token, { space, name: 'being.move', args: { id: eve.being.id } })
  await apply(stage.api, eve.token, { space, name: 'being.remove', args: { id: eve.being.id } })
  for (const guest of eves) await isPutOut(guest)
  await over()
  expect(closes()).toEqual([4501, 4501])
})

test('G64 a gateway that starts after a removal finds out', async () => {
  const { eve, eves, closes, over } = await scene('Former')
  await stage.cluster.gateways[2]?.kill()
  await remove(eve)
  for (const guest of eves) await isPutOut(guest)
  await over()
  await stage.cluster.gateways[2]?.start()
  await isRefused(eve, 2)
  expect(closes()).toEqual([4501, 4501])
})

test('G64 A51 a removal whose node dies before it tells anybody is told by another', async () => {
  const { eve, eves, over } = await scene('Unheard')
  const [first, second] = stage.cluster.apis
  await first?.kill()
  await first?.start({ FAIL_POINT: 'after-commit' })
  const listener = stage.redis.duplicate()
  let messages = 0
  listener.on('message', () => messages++)
  await listener.subscribe(REDIS.revokedChannel)
  await expect(mutate(first?.url ?? '', eve.token, removal(eve))).rejects.toThrow('fetch failed')
  for (const guest of eves) await isPutOut(guest)
  await eventually('it is said again', () => messages > 1)
  listener.disconnect()
  await over()
  const { status } = await call(second?.url ?? '', 'GET', '/v1/sessions/current', { token: eve.token })
  expect(status).toBe(401)
  await first?.ended()
  await first?.start()
})

test('G64 while Redis is dead who is removed is put out, and not let in again anywhere', async () => {
  const { eve, eves, closes, over } = await scene('Silent')
  await stage.killRedis()
  await remove(eve)
  for (const guest of eves) await isPutOut(guest)
  for (const index of GATEWAYS) await isRefused(eve, index)
  await stage.reviveRedis()
  await over()
  expect(closes()).toEqual([4501, 4501])
})
