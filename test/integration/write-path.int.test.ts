/**
 * The whole path over real processes: one api, two gateways, Postgres and Redis. What one writes over HTTP, watchers
 * on both gateways get, each version once and in order, from whatever position they start.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChangesAnswer, Snapshot } from '@rhizom/protocol'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { SpaceWitness } from '../faults/space-witness.ts'
import { apply, call, freshId, mutate, type Session, signIn, utterance } from '../wire/api-caller.ts'

let cluster: Cluster
let api: string
let ada: Session

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    apis: 2,
    gateways: 2,
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
})
afterAll(() => cluster?.stop())

const gateway = (index: number): string => cluster.gateways[index % cluster.gateways.length]?.url ?? ''

async function openSpace(owner: Session = ada, visibility = 'public'): Promise<string> {
  const id = freshId('space')
  await apply(api, owner.token, { space: id, name: 'space.create', args: { name: 'A space', visibility } })
  return id
}

const watch = async (index: number, session: Session, space: string, position: object = {}): Promise<RawClient> => {
  const socket = await RawClient.welcomed(gateway(index), session.token)
  socket.send({ type: 'subscribe', space, ...position })
  return socket
}

/** Feeds all frames of a socket through the contract's rule and returns what it holds. */
function replay(socket: RawClient, space: string, held?: { epoch: string; version: number }): SpaceWitness {
  const witness = new SpaceWitness(space)
  if (held !== undefined) witness.beginAt(held)
  for (const frame of socket.frames) {
    if (!('space' in frame) || frame.space !== space) continue
    if (frame.type === 'snapshot') witness.replace(frame)
    else if (frame.type === 'changes' || frame.type === 'resumed') witness.apply(frame)
  }
  return witness
}

/** The mutations that it was given, each at the version after the one before. */
const mutationsOf = ({ stretches }: SpaceWitness): string[] =>
  stretches.flatMap(({ from, seen }) => {
    expect(seen.map(({ version }) => version)).toEqual(seen.map((_, index) => from + 1 + index))
    return seen.map(({ print }) => print.split(' ')[0] ?? '')
  })

describe('a write reaches every screen', () => {
  test('watchers on two gateways get a change once, with the mutation that caused it', async () => {
    const space = await openSpace()
    const bob = await signIn(api, 'Bob')
    const sockets = await Promise.all([watch(0, ada, space), watch(1, bob, space)])
    for (const socket of sockets) await socket.frame('snapshot', (frame) => frame.space === space)

    const id = uuidv7()
    const [result] = await apply(api, ada.token, { id, ...utterance(space, 'hello') })
    for (const socket of sockets) {
      const frame = await socket.frame('changes', (changes) => changes.changes.some((change) => change.mutation === id))
      expect(frame).toMatchObject({ space, to: result?.version })
      expect(frame.changes.filter((change) => change.mutation === id)).toHaveLength(1)
      expect(frame.changes.at(-1)).toMatchObject({
        kind: 'intention.put',
        actor: ada.being.id,
        body: { content: ['hello'] },
      })
      socket.close()
    }
  })

  test('many writers on two api nodes: versions contiguous for watchers of both gateways, each mutation once', async () => {
    const space = await openSpace()
    const writers = await Promise.all(Array.from({ length: 8 }, (_, index) => signIn(api, `Writer ${index}`)))
    for (const writer of writers)
      await apply(api, writer.token, { space, name: 'being.move', args: { id: writer.being.id } })
    const sockets = await Promise.all([watch(0, ada, space), watch(1, ada, space)])
    for (const socket of sockets) await socket.frame('snapshot')

    const ids = await Promise.all(
      writers.map(async (writer, index) => {
        const node = cluster.apis[index % 2]?.url ?? ''
        const mine: string[] = []
        for (let round = 0; round < 25; round += 1) {
          const id = uuidv7()
          mine.push(id)
          await apply(node, writer.token, { id, ...utterance(space, `${index}/${round}`) })
        }
        return mine
      }),
    )
    const written = ids.flat()
    const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
    for (const socket of sockets) {
      await socket.until('all changes', () => replay(socket, space).position?.version === body.version)
      const witness = replay(socket, space)
      expect(witness.violations).toEqual([])
      expect(witness.snapshots).toBe(1)
      expect(mutationsOf(witness).sort()).toEqual([...written].sort())
      socket.close()
    }
  })

  test('a snapshot and the replay of the log from the beginning say the same', async () => {
    const space = await openSpace()
    const early = await watch(0, ada, space)
    await early.frame('snapshot')
    const first = uuidv7()
    await apply(
      api,
      ada.token,
      utterance(space, 'one', first),
      utterance(space, 'two'),
      { space, name: 'intention.append', args: { id: first, text: ' and more' } },
      { space, name: 'space.update', args: { name: 'Renamed' } },
    )
    const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
    const late = await watch(1, ada, space)
    const snapshot = await late.frame('snapshot')
    expect(snapshot).toMatchObject({ version: body.version, entity: { name: 'Renamed' }, intentions: body.intentions })

    await early.until('the last change', () => replay(early, space).position?.version === body.version)
    const appended = early.frames.flatMap((frame) => (frame.type === 'changes' ? frame.changes : []))
    expect(appended.map((change) => change.kind)).toEqual([
      'intention.put',
      'intention.put',
      'intention.append',
      'space.put',
    ])
    expect(body.intentions.map((intention) => intention.content)).toEqual([['one and more'], ['two']])
    early.close()
    late.close()
  })
})

describe('resume', () => {
  test('from any position, on either gateway, the rest comes once and in order', async () => {
    const space = await openSpace()
    await apply(api, ada.token, ...Array.from({ length: 12 }, (_, index) => utterance(space, `n${index}`)))
    const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
    for (let after = 0; after <= body.version; after += 1) {
      const socket = await watch(after, ada, space, { epoch: body.epoch, after })
      const resumed = await socket.frame('resumed')
      expect(resumed).toMatchObject({ space, epoch: body.epoch, from: after })
      const versions = resumed.changes.map((change) => change.version)
      expect(versions).toEqual(Array.from({ length: resumed.to - after }, (_, index) => after + 1 + index))
      const held = { epoch: body.epoch, version: after }
      await socket.until('the head', () => replay(socket, space, held).position?.version === body.version)
      const witness = replay(socket, space, held)
      expect(witness.violations).toEqual([])
      expect(mutationsOf(witness)).toHaveLength(body.version - after)
      socket.close()
    }
  })

  test('from another epoch, or from ahead of the head, there is a snapshot and never silence', async () => {
    const space = await openSpace()
    const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })
    for (const position of [
      { epoch: uuidv7(), after: body.version },
      { epoch: body.epoch, after: body.version + 100 },
    ]) {
      const socket = await watch(0, ada, space, position)
      expect(await socket.frame('snapshot')).toMatchObject({ epoch: body.epoch, version: body.version })
      socket.close()
    }
    const gone = await call(api, 'GET', `/v1/spaces/${space}/changes?epoch=${uuidv7()}&after=0`, { token: ada.token })
    expect(gone).toMatchObject({ status: 410, body: { code: 'reset' } })
  })

  test('the log over HTTP and over the socket is the same', async () => {
    const space = await openSpace()
    const socket = await watch(1, ada, space)
    const snapshot = await socket.frame('snapshot')
    await apply(api, ada.token, ...Array.from({ length: 5 }, (_, index) => utterance(space, `n${index}`)))
    const { body } = await call<ChangesAnswer>(
      api,
      'GET',
      `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${snapshot.version}`,
      { token: ada.token },
    )
    await socket.until('all', () => replay(socket, space).position?.version === body.head)
    expect(socket.frames.flatMap((frame) => (frame.type === 'changes' ? frame.changes : []))).toEqual(body.changes)
    socket.close()
  })
})

describe('who may', () => {
  test('a private space answers strangers as if it were not there, over HTTP and the socket', async () => {
    const space = await openSpace(ada, 'private')
    const bob = await signIn(api, 'Bob')
    expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: bob.token })).status).toBe(404)
    const socket = await watch(0, bob, space)
    expect(await socket.frame('error')).toMatchObject({ code: 'not-found', space })
    expect(socket.frames.some((frame) => frame.type === 'snapshot')).toBe(false)
    socket.close()
  })

  test('a removed member gets nothing after its removal, on any gateway', async () => {
    const space = await openSpace(ada, 'private')
    const bob = await signIn(api, 'Bob')
    await apply(api, ada.token, { space, name: 'member.put', args: { being: bob.being.id, role: 'member' } })
    const sockets = await Promise.all([watch(0, bob, space), watch(1, bob, space)])
    for (const socket of sockets) await socket.frame('snapshot')
    const [removal] = await apply(
      api,
      ada.token,
      { space, name: 'member.remove', args: { being: bob.being.id } },
      utterance(space, 'a secret'),
    )
    for (const socket of sockets) {
      await socket.frame('unsubscribed', (frame) => frame.space === space && frame.code === 'revoked')
      const versions = socket.frames.flatMap((frame) =>
        frame.type === 'changes' ? frame.changes.map((c) => c.version) : [],
      )
      expect(versions.filter((version) => version > (removal?.version ?? 0))).toEqual([])
      expect(socket.lines.join('')).not.toContain('a secret')
      socket.close()
    }
  })

  test('a removed space ends every subscription and is not found from then on', async () => {
    const space = await openSpace()
    const socket = await watch(1, ada, space)
    await socket.frame('snapshot')
    await apply(api, ada.token, { space, name: 'space.remove', args: {} })
    await socket.frame('unsubscribed', (frame) => frame.space === space && frame.code === 'removed')
    expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).status).toBe(404)
    socket.send({ type: 'subscribe', space })
    await socket.frame('error', (frame) => frame.code === 'not-found' && frame.space === space)
    socket.close()
  })
})

describe('the ledger', () => {
  test('the same mutation sent to two api nodes at once is applied once', async () => {
    const space = await openSpace()
    const before = (await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).body.version
    for (let round = 0; round < 10; round += 1) {
      const mutation = { id: uuidv7(), ...utterance(space, `round ${round}`) }
      const answers = await Promise.all(cluster.apis.map((node) => mutate(node.url, ada.token, mutation)))
      const statuses = answers
        .map((answer) => String(answer.body.results[0]?.status))
        .sort((a, b) => a.localeCompare(b))
      expect(statuses).toEqual(['applied', 'duplicate'])
      expect(new Set(answers.map((answer) => answer.body.results[0]?.version)).size).toBe(1)
    }
    const after = (await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).body.version
    expect(after - before).toBe(10)
  })

  test('the outcome of a mutation can be asked for, by its actor only', async () => {
    const space = await openSpace()
    const id = uuidv7()
    const [result] = await apply(api, ada.token, { id, ...utterance(space, 'x') })
    const asked = await call(api, 'GET', `/v1/mutations/${id}`, { token: ada.token })
    expect(asked).toMatchObject({ status: 200, body: { id, version: result?.version } })
    const bob = await signIn(api, 'Bob')
    expect((await call(api, 'GET', `/v1/mutations/${id}`, { token: bob.token })).status).toBe(404)
  })
})
