/** What a ban and a removal of words do to those who watch, over real processes: one api, two gateways. */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import type { SnapshotFrame } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'

let cluster: Cluster
let api: string
let ada: Session

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    apis: 1,
    gateways: 2,
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
})
afterAll(() => cluster?.stop())

async function openSpace(visibility: string): Promise<string> {
  const id = freshId('space')
  await apply(api, ada.token, { space: id, name: 'space.create', args: { name: 'A space', visibility } })
  return id
}

const connect = (index: number, { token }: Session): Promise<RawClient> =>
  RawClient.welcomed(cluster.gateways[index]?.url ?? '', token)

async function watch(index: number, session: Session, space: string): Promise<RawClient> {
  const socket = await connect(index, session)
  socket.send({ type: 'subscribe', space })
  await socket.frame('snapshot', (frame) => frame.space === space)
  return socket
}

const put = (space: string, being: string, role: string) => ({ space, name: 'member.put', args: { being, role } })
/** For closing a subscription. */
/** At once, on a machine that is busy with something else: without the word of it this takes until the next check. */
const WITHIN_MS = 10_000

test.each(['public', 'private'])(
  'G31 whoever is banned from a %s space is out of it on both gateways at once, and gets nothing after',
  async (visibility) => {
    const space = await openSpace(visibility)
    const bob = await signIn(api, 'Bob')
    if (visibility === 'private') await apply(api, ada.token, put(space, bob.being.id, 'member'))
    await apply(api, bob.token, { space, name: 'being.move', args: { id: bob.being.id } })
    const bobs = [await watch(0, bob, space), await watch(1, bob, space)]
    const adas = [await watch(0, ada, space), await watch(1, ada, space)]
    const bannedAt = performance.now()
    const [ban] = await apply(api, ada.token, put(space, bob.being.id, 'banned'), utterance(space, 'after the ban'))
    for (const [index, socket] of bobs.entries()) {
      await socket.frame('unsubscribed', (frame) => frame.space === space && frame.code === 'revoked')
      expect(performance.now() - bannedAt).toBeLessThan(WITHIN_MS)
      const versions = socket.frames.flatMap((frame) =>
        frame.type === 'changes' ? frame.changes.map(({ version }) => version) : [],
      )
      expect(versions.at(-1)).toBe(ban?.version)
      socket.send({ type: 'subscribe', space })
      await socket.frame('error', (frame) => frame.code === 'not-found' && frame.space === space)
      const after = await adas[index]?.frame('changes', ({ changes }) =>
        changes.some(({ kind }) => kind === 'intention.put'),
      )
      expect(after?.to).toBe((ban?.version ?? 0) + 1)
      expect(socket.lines.join('')).not.toContain('after the ban')
    }
    // Let in again, it is as before.
    await apply(api, ada.token, put(space, bob.being.id, 'viewer'))
    for (const socket of bobs) {
      socket.send({ type: 'subscribe', space })
      const frame = await socket.frame('snapshot', ({ version }) => version > (ban?.version ?? 0))
      expect(frame.space).toBe(space)
    }
    for (const socket of [...bobs, ...adas]) socket.close()
  },
)

test('G16 what was removed is told by no resume and no snapshot, from no position, on no gateway', async () => {
  const space = await openSpace('public')
  const watching = [await watch(0, ada, space), await watch(1, ada, space)]
  const [said, kept] = [uuidv7(), uuidv7()]
  await apply(api, ada.token, utterance(space, 'planted one', said))
  await apply(api, ada.token, utterance(space, 'kept', kept))
  await apply(api, ada.token, { space, name: 'intention.append', args: { id: said, text: 'planted two' } })
  await apply(api, ada.token, { space, name: 'intention.update', args: { id: said, content: ['planted three'] } })
  const [removal] = await apply(api, ada.token, { space, name: 'intention.remove', args: { id: said } })
  const head = removal?.version ?? 0
  for (const [index, socket] of watching.entries()) {
    await socket.frame('changes', ({ to }) => to === head)
    const { epoch } = socket.frames.find((frame): frame is SnapshotFrame => frame.type === 'snapshot') ?? { epoch: '' }
    for (let after = 0; after < head; after += 1) {
      const late = await connect(index, ada)
      late.send({ type: 'subscribe', space, epoch, after })
      const resumed = await late.frame('resumed')
      expect(resumed.changes.map(({ version }) => version)).toEqual(
        Array.from({ length: head - after }, (_, at) => after + at + 1),
      )
      expect(late.lines.join('')).not.toContain('planted')
      if (after === 0) expect(late.lines.join('')).toContain('kept')
      late.close()
    }
    const newcomer = await watch(index, ada, space)
    expect(newcomer.lines.join('')).not.toContain('planted')
    for (const one of [socket, newcomer]) one.close()
  }
})
