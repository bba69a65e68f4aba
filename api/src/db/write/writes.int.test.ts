/** Writing through whole nodes: many writers, two nodes, one database. */
import {
  beingsAnswerSchema,
  type Change,
  changesAnswerSchema,
  type MutationResult,
  snapshotSchema,
} from '@rhizom/protocol'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../../testing/test-api.ts'

let database: FreshDatabase
let nodes: [TestApi, TestApi]

beforeAll(async () => {
  database = await freshDatabase()
  // Whoever comes next may take the address of a removed space.
  const options = { databaseUrl: database.url, env: { REMOVED_SPACE_KEEP_SECONDS: '0' } }
  nodes = [await startApi(options), await startApi(options)]
})

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
  await database.drop()
})

const say = (space: string, text = 'x'): Wanted => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: [text] },
})

async function newSpace(visibility: 'public' | 'private' = 'public') {
  const space = freshId('space')
  const owner = await nodes[0].signIn('Owner')
  await nodes[0].mutate(owner.token, { space, name: 'space.create', args: { name: 'Space', visibility } })
  return { space, owner: owner.token, ownerId: owner.being.id }
}

/** The whole log of a space, page by page. */
async function logOf(token: string, space: string): Promise<Change[]> {
  const snapshot = snapshotSchema.parse((await nodes[0].ask('GET', `/v1/spaces/${space}`, { token })).body)
  const changes: Change[] = []
  for (;;) {
    const path = `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${changes.length}&limit=1000`
    const page = changesAnswerSchema.parse((await nodes[1].ask('GET', path, { token })).body)
    changes.push(...page.changes)
    if (page.to === page.head) return changes
  }
}

const versionsOf = (changes: readonly Change[]): number[] => changes.map(({ version }) => version)
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

test('A12 sixteen writers on two nodes leave a log without a gap, each mutation in it once', async () => {
  const { space, owner } = await newSpace()
  const writers = await Promise.all(upTo(16).map((n) => nodes[n % 2 === 0 ? 0 : 1].signIn(`Writer ${n}`)))
  const results = await Promise.all(
    writers.map(async ({ token, being }, index) => {
      const node = nodes[index % 2 === 0 ? 0 : 1]
      const mine: MutationResult[] = []
      mine.push(...(await node.mutate(token, { space, name: 'being.move', args: { id: being.id } })))
      for (let round = 0; round < 12; round += 1) mine.push(...(await node.mutate(token, say(space), say(space))))
      return mine
    }),
  )
  const answered = results.flat()
  expect(answered.every(({ status }) => status === 'applied')).toBe(true)
  const changes = await logOf(owner, space)
  expect(versionsOf(changes)).toEqual(upTo(2 + 16 * 25))
  expect(new Set(changes.map(({ mutation }) => mutation)).size).toBe(1 + 16 * 25)
  const versionByMutation = new Map(changes.map(({ mutation, version }) => [mutation, version]))
  for (const { id, version } of answered) expect(versionByMutation.get(id)).toBe(version)
  expect(changes.map(({ at }) => at)).toEqual(changes.map(({ at }) => at).sort((left, right) => left - right))
})

test('A12 beings that move both ways between two spaces at once meet no deadlock', async () => {
  const [left, right] = await Promise.all([newSpace(), newSpace()])
  const movers = await Promise.all(upTo(8).map((n) => nodes[0].signIn(`Mover ${n}`)))
  await Promise.all(
    movers.map(({ token, being }, index) =>
      nodes[0].mutate(token, {
        space: index % 2 === 0 ? left.space : right.space,
        name: 'being.move',
        args: { id: being.id },
      }),
    ),
  )
  await Promise.all(
    movers.map(async ({ token, being }, index) => {
      for (let round = 0; round < 12; round += 1) {
        const target = (index + round) % 2 === 0 ? right.space : left.space
        // Two at once for the same being, through both nodes: its place is contended too.
        const results = await Promise.all(
          nodes.map((node) => node.mutate(token, { space: target, name: 'being.move', args: { id: being.id } })),
        )
        expect(results.flat().map(({ status }) => status)).toEqual(['applied', 'applied'])
      }
    }),
  )
  for (const { space, owner } of [left, right]) {
    const changes = await logOf(owner, space)
    expect(versionsOf(changes)).toEqual(upTo(changes.length))
    const located = new Set<string>()
    for (const change of changes) {
      if (change.kind === 'being.put') located.add(change.body.id)
      if (change.kind === 'being.remove') expect(located.delete(change.body.id)).toBe(true)
    }
    const { body } = await nodes[1].ask('GET', `/v1/spaces/${space}`, { token: owner })
    const snapshot = snapshotSchema.parse(body)
    expect(
      snapshot.beings
        .filter(({ location }) => location === space)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...located].sort())
  }
})

test('A12 spaces created, removed and entered by many at once end in one state', async () => {
  const spaces = upTo(3).map(() => freshId('space'))
  const guests = await Promise.all(upTo(6).map((n) => nodes[0].signIn(`Guest ${n}`)))
  const statuses = await Promise.all(
    guests.flatMap(({ token, being }, index) =>
      nodes.map(async (node, side) => {
        const seen: string[] = []
        for (let round = 0; round < 6; round += 1) {
          const space = spaces[(index + side + round) % spaces.length] ?? ''
          const wanted: Wanted[] = [
            { space, name: 'space.create', args: { name: 'Again' } },
            { space, name: 'being.move', args: { id: being.id } },
            say(space),
            { space, name: 'space.remove', args: {} },
          ]
          // One request each, so that others come between.
          for (const one of wanted) seen.push(...(await node.mutate(token, one)).map(({ status }) => status))
        }
        return seen
      }),
    ),
  )
  expect(new Set(statuses.flat())).toEqual(new Set(['applied', 'rejected']))
  const { token } = await nodes[0].signIn('Asker')
  for (const { being } of guests) {
    const { body } = await nodes[0].ask('GET', `/v1/beings?ids=${being.id}`, { token })
    const [found] = beingsAnswerSchema.parse(body).beings
    if (found === undefined) throw new Error(`${being.id} is gone`)
    if (found.location === null) continue
    const space = await nodes[0].ask('GET', `/v1/spaces/${found.location}`, { token })
    expect(snapshotSchema.parse(space.body).beings).toContainEqual(found)
  }
})

test('A11 the same mutation sent four times at once to two nodes is applied once', async () => {
  const { space, owner } = await newSpace()
  const id = uuid()
  const attempts = await Promise.all(
    upTo(4).map((n) => nodes[n % 2 === 0 ? 0 : 1].mutate(owner, { ...say(space), id })),
  )
  const statuses = attempts.flat().map(({ status }) => status)
  expect(statuses.sort()).toEqual(['applied', 'duplicate', 'duplicate', 'duplicate'])
  expect(new Set(attempts.flat().map(({ version }) => version))).toEqual(new Set([3]))
  expect(await logOf(owner, space)).toHaveLength(3)
})

test('A11 the same id meant for two spaces at once is applied in one of them', async () => {
  const { token } = await nodes[0].signIn('Both')
  const spaces = [freshId('space'), freshId('space')]
  for (const space of spaces) await nodes[0].mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
  const id = uuid()
  const results = await Promise.all(
    spaces.flatMap((space) => nodes.map((node) => node.mutate(token, { ...say(space), id }))),
  )
  expect(results.flat().filter(({ status }) => status === 'applied')).toHaveLength(1)
  const lengths = await Promise.all(spaces.map(async (space) => (await logOf(token, space)).length))
  expect(lengths.sort((left, right) => left - right)).toEqual([2, 3])
})

test('A11 a rejection is repeated as a duplicate, also when it could be applied by now, and can be asked for', async () => {
  const { space, owner } = await newSpace()
  await nodes[0].mutate(owner, { space, name: 'space.update', args: { posting: 'members' } })
  const { token, being } = await nodes[0].signIn('Late')
  const id = uuid()
  const [first] = await nodes[0].mutate(token, { ...say(space), id })
  expect(first).toMatchObject({ status: 'rejected', error: { code: 'forbidden' } })
  await nodes[0].mutate(owner, { space, name: 'member.put', args: { being: being.id, role: 'member' } })
  const [again] = await nodes[1].mutate(token, { ...say(space), id })
  expect(again).toEqual({ ...first, status: 'duplicate' })
  const asked = await nodes[1].ask('GET', `/v1/mutations/${id.toUpperCase()}`, { token })
  expect(asked).toMatchObject({ status: 200, body: first })
  expect(await nodes[1].ask('GET', `/v1/mutations/${id}`, { token: owner })).toMatchObject({ status: 404 })
})

test('D10 a rejected mutation does not stop those around it', async () => {
  const { space, owner } = await newSpace()
  const results = await nodes[0].mutate(
    owner,
    say(space),
    { space, name: 'intention.remove', args: { id: uuid() } },
    say(space),
  )
  expect(results.map(({ status, version }) => [status, version])).toEqual([
    ['applied', 3],
    ['rejected', undefined],
    ['applied', 4],
  ])
})

test('A14 one batch over several spaces and none answers in the order asked', async () => {
  const [one, two] = [freshId('space'), freshId('space')]
  const { token, being } = await nodes[0].signIn('Wide')
  const results = await nodes[0].mutate(
    token,
    { space: one, name: 'space.create', args: { name: 'One' } },
    { space: two, name: 'space.create', args: { name: 'Two' } },
    { space: one, name: 'being.move', args: { id: being.id } },
    { space: null, name: 'being.create', args: { id: freshId('bot'), type: 'bot', name: 'Bot' } },
    { space: two, name: 'being.move', args: { id: being.id } },
    say(one),
  )
  expect(results.map(({ status, version }) => [status, version])).toEqual([
    ['applied', 2],
    ['applied', 2],
    ['applied', 3],
    ['applied', undefined],
    ['applied', 3],
    // All of the first space's part came before the move to the second.
    ['applied', 4],
  ])
  expect((await logOf(token, one)).map(({ kind }) => kind)).toEqual([
    'space.put',
    'member.put',
    'being.put',
    'intention.put',
    'being.remove',
  ])
})

test('A402 a batch of intentions in many spaces is one transaction, and each space has its part in order', async () => {
  const { token } = await nodes[0].signIn('Wide')
  const spaces = Array.from({ length: 12 }, () => freshId('space'))
  await nodes[0].mutate(
    token,
    ...spaces.map((space) => ({ space, name: 'space.create', args: { name: 'S' } }) as const),
  )
  const batch = [...spaces, ...spaces.toReversed()].map((space) => say(space))
  const missing = say(freshId('space'))
  const results = await nodes[0].mutate(token, missing, ...batch)
  expect(results.map(({ status, version }) => [status, version])).toEqual([
    ['rejected', undefined],
    ...spaces.map(() => ['applied', 3]),
    ...spaces.map(() => ['applied', 4]),
  ])
  const sql = postgres(database.url, { max: 1 })
  try {
    const rows = await sql<{ transactions: number }[]>`
      select count(distinct xmin::text)::int as transactions from changes
      where space = any(${spaces}) and kind = 'intention.put'`
    expect(rows).toEqual([{ transactions: 1 }])
  } finally {
    await sql.end()
  }
})

test('D9 D5 a removed space is gone, its id is free and begins anew; a removed being stays taken', async () => {
  const { space, owner } = await newSpace()
  const guest = await nodes[0].signIn('There')
  await nodes[0].mutate(guest.token, { space, name: 'being.move', args: { id: guest.being.id } }, say(space))
  const before = snapshotSchema.parse((await nodes[0].ask('GET', `/v1/spaces/${space}`, { token: owner })).body)
  await nodes[0].mutate(owner, { space, name: 'space.remove', args: {} })
  expect(await nodes[1].ask('GET', `/v1/spaces/${space}`, { token: owner })).toMatchObject({ status: 404 })
  expect(await nodes[1].ask('GET', '/v1/sessions/current', { token: guest.token })).toMatchObject({
    body: { being: { location: null } },
  })
  await nodes[1].mutate(guest.token, { space, name: 'space.create', args: { name: 'Mine' } })
  const after = snapshotSchema.parse((await nodes[0].ask('GET', `/v1/spaces/${space}`, { token: owner })).body)
  expect(after).toMatchObject({ version: 2, intentions: [], members: [{ being: guest.being.id, role: 'owner' }] })
  expect(after.epoch).not.toBe(before.epoch)

  const bot = freshId('bot')
  const make: Wanted = { space: null, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } }
  await nodes[0].mutate(owner, make, { space: null, name: 'being.remove', args: { id: bot } })
  expect(await nodes[0].mutate(owner, make)).toMatchObject([{ status: 'rejected', error: { code: 'taken' } }])
  expect(await nodes[0].ask('POST', '/v1/sessions', { body: { name: 'Bot', id: bot } })).toMatchObject({ status: 409 })
})
