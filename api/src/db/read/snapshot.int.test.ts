/** A snapshot against the log: both tell the same story. */
import {
  appendText,
  type Being,
  type Change,
  changesAnswerSchema,
  type Intention,
  type Member,
  snapshotSchema,
  type Space,
} from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, uuid } from '../../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({ databaseUrl: database.url, env: { SNAPSHOT_INTENTIONS: '1000', SNAPSHOT_BEINGS: '3' } })
})

afterAll(async () => {
  await api.stop()
  await database.drop()
})

interface State {
  space: Space | undefined
  beings: Map<string, Being>
  intentions: Map<string, Intention>
  members: Map<string, Member>
}

function replay(changes: readonly Change[]): State {
  const state: State = { space: undefined, beings: new Map(), intentions: new Map(), members: new Map() }
  for (const change of changes) {
    switch (change.kind) {
      case 'space.put':
        state.space = change.body
        break
      case 'space.remove':
        state.space = undefined
        break
      case 'being.put':
        state.beings.set(change.body.id, change.body)
        break
      case 'being.remove':
        state.beings.delete(change.body.id)
        break
      case 'intention.put':
        state.intentions.set(change.body.id, change.body)
        break
      case 'intention.append': {
        const former = state.intentions.get(change.body.id)
        if (former === undefined) throw new Error('an append to nothing')
        const content = appendText(former.content, change.body.text)
        state.intentions.set(former.id, { ...former, content, rev: change.version, modifiedAt: change.at })
        break
      }
      case 'intention.remove':
        state.intentions.delete(change.body.id)
        break
      case 'member.put':
        state.members.set(change.body.being, change.body)
        break
      case 'member.remove':
        state.members.delete(change.body.id)
        break
      default:
        change satisfies never
    }
  }
  return state
}

const snapshotOf = async (token: string, space: string) =>
  snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)

test('A24 snapshots taken while others write equal the log replayed to their version', async () => {
  const space = freshId('space')
  const owner = await api.signIn('Owner')
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space' } })
  const guests = await Promise.all([1, 2, 3].map((n) => api.signIn(`Guest ${n}`)))
  const writing = guests.map(async ({ token, being }, index) => {
    for (let round = 0; round < 10; round += 1) {
      const [said, dropped] = [uuid(), uuid()]
      await api.mutate(
        token,
        { space, name: 'being.move', args: { id: being.id } },
        { space, name: 'being.update', args: { id: being.id, name: `Round ${round}`, properties: { round } } },
        { space, name: 'intention.create', args: { id: said, type: 'utterance', content: ['a'], state: 'active' } },
        { space, name: 'intention.append', args: { id: said, text: ' b' } },
        { space, name: 'intention.update', args: { id: said, state: 'complete' } },
        { space, name: 'intention.create', args: { id: dropped, type: 'error', content: [{ type: 'code' }] } },
        { space, name: 'intention.append', args: { id: dropped, text: 'c' } },
        { space, name: 'intention.remove', args: { id: dropped } },
      )
      if (index === 0)
        await api.mutate(owner.token, {
          space,
          name: 'member.put',
          args: { being: being.id, role: round % 2 === 0 ? 'viewer' : 'member' },
        })
      if (round % 3 === 2) await api.mutate(token, { space: null, name: 'being.move', args: { id: being.id } })
    }
  })
  const snapshots = [await snapshotOf(owner.token, space)]
  const done = Promise.all(writing)
  let over = false
  void done.finally(() => (over = true))
  while (!over) snapshots.push(await snapshotOf(owner.token, space))
  await done
  snapshots.push(await snapshotOf(owner.token, space))
  expect(new Set(snapshots.map(({ version }) => version)).size).toBeGreaterThan(3)

  const epoch = snapshots[0]?.epoch
  const { body } = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=0&limit=1000`, {
    token: owner.token,
  })
  const { changes } = changesAnswerSchema.parse(body)
  for (const snapshot of snapshots) {
    const state = replay(changes.slice(0, snapshot.version))
    expect({ ...snapshot.space, version: 0 }).toEqual({ ...state.space, version: 0 })
    expect(snapshot.intentions).toEqual([...state.intentions.values()])
    const located = snapshot.beings.filter(({ location }) => location === space)
    expect(new Map(located.map((being) => [being.id, being]))).toEqual(state.beings)
    expect(snapshot.beingCount).toBe(state.beings.size)
    expect(new Map(snapshot.members?.map((member) => [member.being, member]))).toEqual(state.members)
  }
})

test('A25 beings are cut to the lately active, and the authors come along', async () => {
  const [space, hideout] = [freshId('space'), freshId('hideout')]
  const owner = await api.signIn('Owner')
  await api.mutate(
    owner.token,
    { space, name: 'space.create', args: { name: 'Space' } },
    { space: hideout, name: 'space.create', args: { name: 'Hideout', visibility: 'private' } },
    { space, name: 'intention.create', args: { id: uuid(), type: 'utterance', content: ['x'] } },
  )
  const guests = []
  for (let n = 0; n < 5; n += 1) {
    const guest = await api.signIn(`Guest ${n}`)
    await api.mutate(guest.token, { space, name: 'being.move', args: { id: guest.being.id } })
    guests.push(guest.being.id)
  }
  await api.mutate(owner.token, {
    space: hideout,
    name: 'being.update',
    args: { id: owner.being.id, properties: { secret: true } },
  })
  await api.mutate(
    owner.token,
    { space: hideout, name: 'being.move', args: { id: owner.being.id } },
    { space: hideout, name: 'being.update', args: { id: owner.being.id, properties: { secret: true } } },
  )
  const reader = await api.signIn('Reader')
  const snapshot = await snapshotOf(reader.token, space)
  expect(snapshot.beings.map(({ id }) => id)).toEqual([...guests.slice(2).reverse(), owner.being.id])
  expect(snapshot.beingCount).toBe(5)
  expect(snapshot.beings.at(-1)).toMatchObject({ name: 'Owner', location: null, properties: {} })
  expect(JSON.stringify(snapshot)).not.toContain(hideout)
})
