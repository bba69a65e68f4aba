/**
 * A person is exported and erased: what is left of a hundred sentences and a name, in tables, log, ledger and Redis, in
 * the memory of two gateways, and in the stores of devices, of one that was there and of one that comes back later.
 */
import 'fake-indexeddb/auto'
import { browserEnvironment, createClient, type RhizomClient } from '@rhizom/client'
import { eventually } from '@rhizom/kit/eventually.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { erasedSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { eraseIndexedDbVault, openIndexedDbVault } from '../../client/src/runtime/indexed-db-vault.ts'
import { SharedBrowser } from '../../client/src/testing/shared-browser.ts'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { ProcessMemory } from './process-memory.ts'
import { storedAnywhere } from './stored-anywhere.ts'

// Snapshots of heaps take seconds, and more where others work.
vi.setConfig({ testTimeout: 240_000 })
const PATIENCE_MS = 60_000

let cluster: Cluster
let api: string
let ada: Session

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    env: { api: { SESSIONS_PER_SECOND: '0' }, gateway: { NODE_OPTIONS: '--inspect=0' } },
    apis: 1,
    gateways: 2,
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
})
afterAll(() => cluster?.stop())

const operate = async (path: string): Promise<string> => {
  const answer = await fetch(`${cluster.apis[0]?.internalUrl}/operator/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cluster.operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'asked for it' }),
  })
  const text = await answer.text()
  expect([path, answer.status, text]).toEqual([path, 200, text])
  return text
}
const erase = async (id: string) => erasedSchema.parse(JSON.parse(await operate(`/beings/${id}/erase`)))

async function openSpace(): Promise<string> {
  const id = freshId('space')
  await apply(api, ada.token, { space: id, name: 'space.create', args: { name: 'A space' } })
  return id
}

async function watch(index: number, session: Session, space: string): Promise<RawClient> {
  const socket = await RawClient.welcomed(cluster.gateways[index]?.url ?? '', session.token)
  socket.send({ type: 'subscribe', space })
  await socket.frame('snapshot', (frame) => frame.space === space)
  return socket
}

/** What was received for a moment stands in buffers of parsers until the next of that length: 64 KiB at most. */
async function othersGoOn(): Promise<void> {
  const space = await openSpace()
  const talk = () => apply(api, ada.token, ...Array.from({ length: 5 }, () => utterance(space, 'x'.repeat(40_000))))
  const watchers = [await watch(0, ada, space), await watch(1, ada, space)]
  await talk()
  for (const watcher of watchers) {
    await watcher.until('what others say', () => watcher.lines.join('').length > 200_000)
    watcher.terminate()
  }
  for (const index of [0, 1]) (await watch(index, ada, space)).terminate()
}

/** A browser of somebody: its store outlives its pages. */
class Device {
  readonly #browser = new SharedBrowser({
    open: async (name, onLost) => {
      this.#stores.add(name)
      return openIndexedDbVault(name, onLost)
    },
    erase: eraseIndexedDbVault,
  })
  readonly #stores = new Set<string>()
  readonly #session: Session
  client: RhizomClient | undefined

  constructor(session: Session) {
    this.#session = session
  }

  open(...spaces: string[]): void {
    const { token, being } = this.#session
    this.client = createClient({
      session: { token, being, expiresAt: Date.now() + 3_600_000 },
      apiUrl: api,
      syncUrl: `${cluster.gateways[0]?.url.replace('http', 'ws')}/v1/sync`,
      environment: { ...browserEnvironment(), shared: this.#browser.page().shared },
    })
    for (const space of spaces) this.client.watchSpace(space)
    this.client.connect()
  }

  close(): void {
    this.client?.close()
    this.client = undefined
  }

  async stored(): Promise<string> {
    const all: unknown[] = []
    for (const name of this.#stores) {
      const vault = await openIndexedDbVault(name, () => undefined)
      all.push(await vault.mutations())
      for (const id of await vault.spaces()) all.push(await vault.space(id))
      vault.close()
    }
    return JSON.stringify(all)
  }

  shown(space: string): string {
    return JSON.stringify(this.client?.readSpace(space) ?? null)
  }
}

test('A207 A403 G240 a person is exported as lines of JSON, and after an erase none of a hundred sentences is found anywhere', async () => {
  // All that is planted has it, so that one look finds any.
  const mark = `planted-${uuidv7()}`
  const eve = await signIn(api, `Evelyn ${mark}`, freshId('eve'))
  // She speaks in one, says nothing in another, and the third is gone before.
  const [space, visited, gone] = [await openSpace(), await openSpace(), await openSpace()]
  const devices = [new Device(await signIn(api, 'Bob')), new Device(await signIn(api, 'Cleo'))]
  for (const device of devices) device.open(space, visited)
  const watchers = [await watch(0, ada, visited), await watch(1, ada, visited), await watch(1, ada, space)]

  const sentences = Array.from({ length: 100 }, (_, index) => `${mark}-${index}-`)
  const words = [...sentences]
  const say = (text: string, where = space) => apply(api, eve.token, utterance(where, text))
  await apply(api, eve.token, {
    ...{ space: null, name: 'being.update' },
    args: {
      id: eve.being.id,
      metadata: { said: words.pop() },
      properties: { said: words.pop() },
      content: [words.pop()],
    },
  })
  const visit = { name: 'being.move', args: { id: eve.being.id } }
  await apply(api, eve.token, { space: visited, ...visit })
  await apply(api, eve.token, { space, ...visit })
  const document = { id: freshId('doc'), type: 'document', name: words.pop() ?? '', content: [words.pop()] }
  await apply(api, eve.token, { space, name: 'being.create', args: document })
  const draft = { id: uuidv7(), type: 'utterance', content: [words.pop()], state: 'active' }
  await apply(api, eve.token, { space, name: 'intention.create', args: draft })
  for (const text of words.splice(0, 3))
    await apply(api, eve.token, { space, name: 'intention.append', args: { id: draft.id, text } })
  for (const text of words.splice(0, 5)) await say(text, gone)
  await apply(api, ada.token, { space: gone, name: 'space.remove', args: {} })
  const eves = await watch(0, eve, space)
  eves.send({ type: 'presence', space, state: { said: words.pop() } })
  eves.send({ type: 'signal', space, name: 'said', data: { said: words.pop() } })
  for (const text of words) await say(text)

  const own = freshId('space')
  await apply(api, eve.token, { space: own, name: 'space.create', args: { name: 'Hers' } })
  await apply(api, eve.token, { space: own, name: 'member.put', args: { being: ada.being.id, role: 'owner' } })
  const made = await call(api, 'POST', `/v1/spaces/${own}/invites`, {
    ...{ token: eve.token, body: { role: 'member', uses: 3 } },
  })
  expect(made.status).toBe(201)
  await call(api, 'PUT', `/v1/spaces/${space}/read`, { token: eve.token, body: { version: 3 } })

  const lines = (await operate(`/beings/${eve.being.id}/export`)).trimEnd().split('\n')
  const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind)
  expect(new Set(kinds)).toEqual(new Set(['being', 'member', 'session', 'invite', 'read', 'intention']))
  // All but those of the space that is gone and what it showed and signalled as it was here.
  expect(sentences.filter((text) => lines.some((line) => line.includes(text)))).toHaveLength(93)

  // What is looked for is found while it is there, in each of these places.
  expect((await storedAnywhere(cluster, sentences)).length).toBeGreaterThan(93)
  const memories = await Promise.all(
    cluster.gateways.map(({ name }) => ProcessMemory.of(`${cluster.logs}/${name}.log`)),
  )
  for (const memory of memories) expect(await memory.holds(mark)).not.toBe(false)
  for (const device of devices)
    await eventually('a device keeps it', async () => {
      const isShown = sentences.slice(8, 90).every((text) => device.shown(space).includes(text))
      return isShown && (await device.stored()).includes(`${mark}-50-`)
    })
  const [stays, away] = devices
  away?.close()
  const former = await watch(1, ada, space)
  const held = await former.frame('snapshot')
  former.terminate()

  expect(await erase(eve.being.id)).toMatchObject({ beings: 2, histories: 3 })
  expect((await eves.hasClosed()).code).toBe(4501)
  await eventually('nothing is stored', async () => (await storedAnywhere(cluster, [mark])).length === 0)
  await othersGoOn()
  for (const [index, memory] of memories.entries()) {
    let found: unknown
    await eventually(
      `gateway ${index + 1} holds nothing of it`,
      async () => (found = await memory.holds(mark)) === false,
      PATIENCE_MS,
    ).catch((error: unknown) => {
      throw new Error(`it is ${String(found)}`, { cause: error })
    })
  }
  await eventually('the device that was there has nothing', async () => {
    const all = [stays?.shown(space), stays?.shown(visited), await stays?.stored()]
    return all.every((text) => text?.includes(mark) === false)
  })
  expect(await away?.stored()).toContain(mark)
  away?.open(space, visited)
  await eventually('the device that comes back has nothing', async () => {
    const all = [away?.shown(space), away?.shown(visited), await away?.stored()]
    return all.every((text) => text?.includes(mark) === false)
  })
  // Nor does anybody get it who asks from a position of before.
  for (const index of [0, 1])
    for (const after of [0, 1, 5, held.version]) {
      const late = await RawClient.welcomed(cluster.gateways[index]?.url ?? '', ada.token)
      late.send({ type: 'subscribe', space, epoch: held.epoch, after })
      await late.frame('snapshot')
      expect(late.lines.join('')).not.toContain(mark)
      late.terminate()
    }
  expect(await erase(eve.being.id)).toMatchObject({ intentions: 0, histories: 0 })
  for (const closing of [...watchers, ...memories, ...devices]) closing.close()
})
