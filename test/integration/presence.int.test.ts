/** Who is here, over real gateways, apis, Postgres and Redis: what clients and readers are told. */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { presenceAnswerSchema, REDIS } from '@rhizom/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { sealedEntry, sealOf } from '../cluster/own-seal.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { type Guest, LIST_LIMIT, type Stage, startStage, TIMES } from './presence-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.stop())

const idOf = ({ being }: Session): string => being.id
const lastSeen = (session: Session): Promise<number | null> => stage.lastSeen(session)
const presence = async (space: string, session = stage.ada, node = 1) => {
  const url = stage.cluster.apis[node]?.url ?? ''
  return call(url, 'GET', `/v1/spaces/${space}/presence`, { token: session.token })
}
/** Waits until what follows would show whatever the former did wrong. */
const settles = async (guest: Guest, newcomer: Session, space: string): Promise<void> => {
  const other = await stage.enter(2, newcomer, space)
  await guest.socket.until('the newcomer', () => guest.roster.names.includes(idOf(newcomer)))
  other.drop()
}

describe('coming and going', () => {
  test('G104 an answer tells who is here, oneself included, and the others are told once', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    expect(ada.roster.names).toEqual([idOf(stage.ada)])
    await ada.sees(stage.ada)
    const bob = await stage.enter(1, stage.bob, space)
    expect(bob.roster.names).toEqual([idOf(stage.ada), idOf(stage.bob)].sort())
    expect(bob.roster.count).toBe(2)
    await ada.sees(stage.ada, stage.bob)
    expect(ada.comings(idOf(stage.bob))).toEqual(['joined'])
    const { body } = await presence(space)
    const answer = presenceAnswerSchema.parse(body)
    expect(answer).toMatchObject({ hereCount: 2, frozen: false })
    expect(answer.here).toEqual([...ada.roster.list.values()].sort((a, b) => a.since - b.since))
    bob.drop()
    await ada.sees(stage.ada)
    expect(await stage.stored(space)).toEqual([idOf(stage.ada)])
    ada.drop()
  })

  test('G100 G101 tabs on several gateways count once, and a reload or a change of gateway is not seen', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const tabs = [await stage.enter(1, stage.bob, space), await stage.enter(1, stage.bob, space)]
    await ada.sees(stage.ada, stage.bob)
    const { since } = ada.roster.list.get(idOf(stage.bob)) ?? {}
    for (const tab of tabs) tab.drop()
    const back = await stage.enter(2, stage.bob, space)
    await eventually('the former gateway let go', async () => {
      const fields = await stage.redis.hkeys(REDIS.here(space))
      return fields.filter((field) => field.endsWith(idOf(stage.bob))).length === 1
    })
    await settles(ada, await signIn(stage.api, 'Cyd'), space)
    expect(ada.comings(idOf(stage.bob))).toEqual(['joined'])
    expect(ada.roster.list.get(idOf(stage.bob))?.since).toBe(since)
    back.drop()
    ada.drop()
  })

  test('G109 whoever only watches sees and is not seen, and may not set a state', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const bob = await stage.enter(1, stage.bob, space, { present: false })
    await bob.sees(stage.ada)
    bob.send({ type: 'presence', state: { away: true } })
    expect(await bob.socket.frame('error')).toMatchObject({ code: 'not-subscribed', space })
    expect((await presence(space, stage.bob)).body).toMatchObject({ hereCount: 1 })
    expect(ada.comings(idOf(stage.bob))).toEqual([])
    // One who stops being here and goes on watching leaves as well.
    ada.send({ type: 'subscribe', present: false })
    await bob.sees()
    expect(await stage.stored(space)).toEqual([])
    ada.drop()
    bob.drop()
  })

  test('G6 a state and a signal sent right behind subscribe are taken', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const socket = await RawClient.welcomed(stage.gateway(1), stage.bob.token)
    socket.send({ type: 'subscribe', space, present: true })
    socket.send({ type: 'presence', space, state: { away: true } })
    socket.send({ type: 'signal', space, name: 'typing' })
    await ada.socket.frame('signal', (frame) => frame.from === idOf(stage.bob))
    await ada.socket.until('the state', () => ada.roster.list.get(idOf(stage.bob))?.state['away'] === true)
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([])
    socket.terminate()
    ada.drop()
  })

  test('G109 a private space: strangers are told nothing, and whoever is removed leaves at once', async () => {
    const space = await stage.openSpace('private')
    const ada = await stage.enter(0, stage.ada, space)
    expect((await presence(space, stage.bob)).status).toBe(404)
    await apply(stage.api, stage.ada.token, {
      space,
      name: 'member.put',
      args: { being: idOf(stage.bob), role: 'viewer' },
    })
    const bob = await stage.enter(1, stage.bob, space)
    await ada.sees(stage.ada, stage.bob)
    await apply(stage.api, stage.ada.token, { space, name: 'member.remove', args: { being: idOf(stage.bob) } })
    await bob.socket.frame('unsubscribed')
    await ada.sees(stage.ada)
    expect(bob.frames.some(({ left }) => left.length > 0)).toBe(false)
    expect((await presence(space, stage.bob)).status).toBe(404)
    ada.drop()
    bob.drop()
  })

  test('G108 when somebody has left through a gateway it was last seen there, and the latest of several times counts', async () => {
    const space = await stage.openSpace()
    const cyd = await signIn(stage.api, 'Cyd')
    const tabs = [await stage.enter(0, cyd, space), await stage.enter(1, cyd, space)]
    const ada = await stage.enter(2, stage.ada, space)
    await ada.sees(stage.ada, cyd)
    expect(await lastSeen(cyd)).toBeNull()
    const from = Date.now()
    tabs[0]?.drop()
    await eventually('the time is stored', async () => (await lastSeen(cyd)) !== null)
    const first = (await lastSeen(cyd)) ?? 0
    expect(first).toBeGreaterThanOrEqual(from - 50)
    expect(first).toBeLessThanOrEqual(Date.now())
    expect(ada.comings(idOf(cyd))).toEqual([])
    const again = Date.now()
    tabs[1]?.drop()
    await ada.sees(stage.ada)
    const leftAt = Date.now()
    await eventually('the later time is stored', async () => ((await lastSeen(cyd)) ?? 0) > first)
    expect(await lastSeen(cyd)).toBeGreaterThanOrEqual(again - 50)
    // It left a grace later than it was seen last.
    expect(await lastSeen(cyd)).toBeLessThanOrEqual(leftAt - TIMES.graceMs + 50)
    ada.drop()
  })
})

describe('states and signals', () => {
  test('G103 a state is an update, the latest of several counts, and 1 KiB is the limit', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const one = await stage.enter(1, stage.bob, space)
    const two = await stage.enter(2, stage.bob, space)
    await ada.sees(stage.ada, stage.bob)
    one.send({ type: 'presence', state: { line: 'first' } })
    const isBob = (line: string) => (): boolean => ada.roster.list.get(idOf(stage.bob))?.state['line'] === line
    await ada.socket.until('the first state', isBob('first'))
    two.send({ type: 'presence', state: { line: 'second' } })
    await ada.socket.until('the second state', isBob('second'))
    expect(ada.comings(idOf(stage.bob))).toEqual(['joined'])
    expect((await presence(space)).body).toMatchObject({
      here: [{ being: idOf(stage.ada) }, { being: idOf(stage.bob), state: { line: 'second' } }],
    })
    two.send({ type: 'presence', state: { line: 'x'.repeat(1024) } })
    expect(await two.socket.frame('error')).toMatchObject({ code: 'too-large', space })
    expect(isBob('second')()).toBe(true)
    for (const guest of [ada, one, two]) guest.drop()
  })

  test('G107 of many signals of a name the latest arrives, those of others as well, and none comes again', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const bob = await stage.enter(1, stage.bob, space)
    const signals = (guest: Guest) => guest.socket.frames.flatMap((frame) => (frame.type === 'signal' ? [frame] : []))
    for (let n = 1; n <= 50; n++) bob.send({ type: 'signal', name: 'typing', data: { n } })
    bob.send({ type: 'signal', name: 'waving' })
    await ada.socket.until('the last of them', () => {
      const seen = signals(ada)
      return seen.some(({ name }) => name === 'waving') && seen.some(({ data }) => data?.['n'] === 50)
    })
    const typed = signals(ada).flatMap(({ name, data }) => (name === 'typing' ? [Number(data?.['n'])] : []))
    expect(typed.length).toBeLessThan(50)
    expect(typed).toEqual([...typed].sort((a, b) => a - b))
    const { epoch, version } = await ada.socket.frame('snapshot')
    await apply(stage.api, stage.ada.token, utterance(space, 'in between'))
    await ada.socket.frame('changes')
    ada.drop()
    const again = await RawClient.welcomed(stage.gateway(0), stage.ada.token)
    again.send({ type: 'subscribe', space, epoch, after: version })
    expect((await again.frame('resumed')).changes).toHaveLength(1)
    await apply(stage.api, stage.ada.token, utterance(space, 'after it'))
    await again.frame('changes')
    expect(again.frames.some(({ type }) => type === 'signal')).toBe(false)
    again.close()
    bob.drop()
  })

  test('a signal over HTTP reaches those who watch', async () => {
    const space = await stage.openSpace()
    const ada = await stage.enter(0, stage.ada, space)
    const { status } = await call(stage.api, 'POST', `/v1/spaces/${space}/signals`, {
      token: stage.bob.token,
      body: { name: 'request', data: { at: 'the door' } },
    })
    expect(status).toBe(202)
    expect(await ada.socket.frame('signal')).toMatchObject({
      from: idOf(stage.bob),
      name: 'request',
      data: { at: 'the door' },
    })
    ada.drop()
  })
})

describe('many', () => {
  const crowd = (count: number): Promise<Session[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => signIn(stage.api, `Guest ${index}`)))

  test('G106 past the limit there is a count and a sample, and below it everybody again', async () => {
    const space = await stage.openSpace()
    const watcher = await stage.enter(2, stage.ada, space, { present: false })
    const sessions = await crowd(LIST_LIMIT * 2)
    const guests = await Promise.all(sessions.map((session, index) => stage.enter(index % 2, session, space)))
    await watcher.socket.until('all are counted', () => watcher.roster.count === sessions.length)
    expect(watcher.roster.names).toHaveLength(LIST_LIMIT)
    const late = await stage.enter(2, stage.bob, space, { present: false })
    expect(late.roster.names).toEqual(watcher.roster.names)
    expect((await presence(space)).body).toMatchObject({ hereCount: sessions.length })
    const stay = 3
    for (const guest of guests.slice(stay)) guest.drop()
    await watcher.sees(...sessions.slice(0, stay))
    await late.sees(...sessions.slice(0, stay))
    for (const guest of [watcher, late, ...guests]) guest.drop()
  })

  test('G116 after churn Redis holds exactly those who are here', async () => {
    const space = await stage.openSpace()
    const watcher = await stage.enter(2, stage.ada, space, { present: false })
    const sessions = await crowd(8)
    const guests = new Map<Guest, Session>()
    for (let round = 0; round < 60; round++) {
      const session = sessions[(round * 5) % sessions.length]
      const [oldest] = guests.keys()
      if (oldest !== undefined && round % 3 !== 0) {
        oldest.drop()
        guests.delete(oldest)
      }
      if (session !== undefined) guests.set(await stage.enter(round % 3, session, space), session)
    }
    const here = [...new Set([...guests.values()].map(idOf))].sort()
    await watcher.sees(...here)
    const places = await eventuallyEqual(() => stage.stored(space).then((names) => [...new Set(names)]), here)
    expect(places).toEqual(here)
    for (const guest of guests.keys()) guest.drop()
    await watcher.sees()
    expect(await stage.stored(space)).toEqual([])
    expect(await stage.redis.exists(REDIS.here(space))).toBe(0)
    watcher.drop()
  })

  test('G110 orphans of a gateway that nobody knew are removed by whoever opens the space', async () => {
    const space = freshId('presence')
    await apply(stage.api, stage.ada.token, {
      space,
      name: 'space.create',
      args: { name: 'Old', visibility: 'public' },
    })
    const cyd = await signIn(stage.api, 'Cyd')
    const since = Date.now() - 86_400_000
    const [key, field] = [REDIS.here(space), `long-gone/${idOf(cyd)}`]
    await stage.redis.hset(key, field, sealedEntry(await sealOf(stage.cluster), key, field, { state: {}, since }))
    expect((await presence(space)).body).toMatchObject({ here: [], hereCount: 0 })
    const watcher = await stage.enter(0, stage.ada, space, { present: false })
    await watcher.sees()
    await eventually('the orphan is gone', async () => (await stage.stored(space)).length === 0)
    await eventually('it is known when it was here', async () => (await lastSeen(cyd)) === since)
    watcher.drop()
  })

  test('what presence does can be measured', async () => {
    const metrics = await (await fetch(`${stage.cluster.gateways[0]?.internalUrl}/metrics`)).text()
    for (const name of [
      'entries',
      'lease_held 1',
      'frozen_spaces 0',
      'frames_total',
      'orphans_removed_total',
      'reads_total',
    ])
      expect(metrics).toContain(`rhizom_gateway_presence_${name}`)
    expect(metrics).toMatch(/presence_redis_commands_total\{command="hset"\} [1-9]/)
  })
})

async function eventuallyEqual(read: () => Promise<string[]>, expected: readonly string[]): Promise<string[]> {
  let last: string[] = []
  await eventually(`it is ${expected.join(' ')}`, async () => {
    last = await read()
    return last.join() === expected.join()
  })
  return last
}
