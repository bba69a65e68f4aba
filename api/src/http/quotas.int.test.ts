/** What one may have, and what is kept of those who left no trace; sizes as they are stored. */
import { randomBytes } from 'node:crypto'
import { listSpacesAnswerSchema, type MutationResult } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type DatabaseConnection } from '../db/database.ts'
import { forgetSilentGuests } from '../db/write/silent-guests.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../testing/test-api.ts'

let database: FreshDatabase
let connection: DatabaseConnection
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  connection = await connect({ url: database.url, deadlineMs: 10_000, name: 'quotas' })
  const env = { MAX_SPACES_OWNED: '3', MAX_BEINGS_OWNED: '2', MAX_MEMBERS: '2' }
  api = await startApi({ databaseUrl: database.url, env })
})

afterAll(async () => {
  connection.drop()
  await api.stop()
  await database.drop()
})

const newSpace = (): Wanted & { space: string } => ({
  ...{ id: uuid(), space: freshId('quota'), name: 'space.create' },
  args: { name: 'Space' },
})
const statuses = (results: readonly MutationResult[]) => results.map(({ status, error }) => error?.code ?? status)

test('A303 an owner has as many spaces as it may and no more, in one batch or in many; what it removes makes room', async () => {
  const { token } = await api.signIn('Owner')
  const other = await api.signIn('Other')
  const [first, second, third, ...rest] = Array.from({ length: 100 }, newSpace)
  if (first === undefined || second === undefined || third === undefined) throw new Error('none')
  expect(statuses(await api.mutate(token, first, second))).toEqual(['applied', 'applied'])
  const more = statuses(await api.mutate(token, third, ...rest.slice(0, 50)))
  expect([more.slice(0, 1), new Set(more.slice(1))]).toEqual([['applied'], new Set(['forbidden'])])
  // Sent again it is what it was.
  expect(statuses(await api.mutate(token, first))).toEqual(['duplicate'])
  expect(statuses(await api.mutate(other.token, newSpace()))).toEqual(['applied'])
  await api.mutate(token, { space: second.space, name: 'space.remove', args: {} })
  const [again] = rest
  if (again === undefined) throw new Error('none')
  // A refusal is not remembered.
  expect(statuses(await api.mutate(token, again))).toEqual(['applied'])
})

test('A303 an owner has as many bots and documents as it may, wherever they are, and the rest of a batch is decided', async () => {
  const { token, being } = await api.signIn('Owner')
  const space = newSpace()
  await api.mutate(token, space)
  const document = (): Wanted => ({
    ...{ space: space.space, name: 'being.create' },
    args: { id: freshId('document'), type: 'document', name: 'Document' },
  })
  const rename: Wanted = { space: null, name: 'being.update', args: { id: being.id, name: 'Still' } }
  expect(statuses(await api.mutate(token, document(), document(), document(), rename))).toEqual([
    ...['applied', 'applied', 'forbidden', 'applied'],
  ])
})

test('A407 of one maker strangers find so many public spaces in the list and no more; the others have their address', async () => {
  const node = await startApi({ databaseUrl: database.url, env: { MAX_SPACES_LISTED: '2' } })
  try {
    const [maker, stranger, friend] = [await node.signIn('Maker'), await node.signIn('S'), await node.signIn('F')]
    // Far beyond, and before everybody else's by their ids.
    const flood = Array.from({ length: 60 }, (_, index) => {
      const hidden = index === 0 ? { visibility: 'private' } : {}
      return { ...newSpace(), space: freshId(`0000-${index}`), args: { name: 'Flood', ...hidden } } as Wanted & {
        space: string
      }
    })
    const [first, second, third, fourth] = flood.map(({ space }) => space)
    expect(new Set(statuses(await node.mutate(maker.token, ...flood)))).toEqual(new Set(['applied']))
    const listed = async ({ token }: { token: string }) => {
      const ids: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const asked: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const { body } = await node.ask('GET', `/v1/spaces?limit=50${asked}`, { token })
        const page = listSpacesAnswerSchema.parse(body)
        ids.push(...page.spaces.map(({ id }) => id))
        cursor = page.nextCursor ?? null
      }
      return flood.map(({ space }) => space).filter((space) => ids.includes(space))
    }
    // The first is private.
    expect(await listed(stranger)).toEqual([second])
    expect(await listed(maker)).toHaveLength(60)
    expect((await node.ask('GET', `/v1/spaces/${third}`, { token: stranger.token })).status).toBe(200)
    await node.mutate(maker.token, {
      ...{ space: third ?? '', name: 'member.put', args: { being: friend.being.id, role: 'member' } },
    })
    expect(await listed(friend)).toEqual([second, third])
    // What becomes public brings no more into the list than were made while there was room.
    await node.mutate(maker.token, { space: first ?? '', name: 'space.update', args: { visibility: 'public' } })
    expect(await listed(stranger)).toEqual([first, second])
    const gone = flood.map(({ space }): Wanted => ({ space, name: 'space.remove', args: {} }))
    await node.mutate(maker.token, ...gone.slice(0, -1))
    expect(statuses(await node.mutate(maker.token, { ...flood[3], id: uuid() } as Wanted))).toEqual(['applied'])
    expect(await listed(stranger)).toEqual([fourth])
  } finally {
    await node.stop()
  }
})

test('A304 a space has as many members as it may; roles of those it has can be changed', async () => {
  const { token } = await api.signIn('Owner')
  const guests = await Promise.all(['One', 'Two', 'Three'].map((name) => api.signIn(name)))
  const { space, ...create } = newSpace()
  await api.mutate(token, { space, ...create })
  const put = (n: number, role: 'member' | 'viewer' = 'member'): Wanted => ({
    ...{ space, name: 'member.put' },
    args: { being: guests[n]?.being.id ?? '@none', role },
  })
  expect(statuses(await api.mutate(token, put(0), put(1), put(2)))).toEqual(['applied', 'forbidden', 'forbidden'])
  expect(statuses(await api.mutate(token, put(0, 'viewer')))).toEqual(['applied'])
})

test('A305 the address of a removed space is free for whom removed it, and taken for all others', async () => {
  const [owner, stranger] = [await api.signIn('Owner'), await api.signIn('Stranger')]
  const { space, ...create } = newSpace()
  await api.mutate(owner.token, { space, ...create })
  await api.mutate(owner.token, { space, name: 'space.remove', args: {} })
  const anew = (): Wanted => ({ space, name: 'space.create', args: { name: 'Help desk' } })
  expect(statuses(await api.mutate(stranger.token, anew()))).toEqual(['taken'])
  expect(statuses(await api.mutate(owner.token, anew()))).toEqual(['applied'])
  await api.mutate(owner.token, { space, name: 'space.remove', args: {} })
  await connection.sql`update spaces set removed_at = now() - interval '31 days' where id = ${space}`
  expect(statuses(await api.mutate(stranger.token, anew()))).toEqual(['applied'])
})

test('A306 guests that left no trace are forgotten, and nobody else', async () => {
  const names = ['Silent', 'Present', 'Speaker', 'Owner', 'Lately'] as const
  const [silent, present, speaker, owner, lately] = await Promise.all(names.map((name) => api.signIn(name)))
  if (!silent || !present || !speaker || !owner || !lately) throw new Error('nobody')
  const { space, ...create } = newSpace()
  await api.mutate(owner.token, { space, ...create })
  await api.mutate(present.token, { space, name: 'being.move', args: { id: present.being.id } })
  const said: Wanted = { space, name: 'intention.create', args: { id: uuid(), type: 'utterance', content: ['Hello'] } }
  await api.mutate(speaker.token, said)
  const all = [silent, present, speaker, owner, lately].map(({ being }) => being.id)
  const { sql } = connection
  await sql`update beings set modified_at = now() - interval '40 days' where id = any(${all}::text[])`
  const old = all.filter((id) => id !== lately.being.id)
  await sql`update sessions set last_used_at = now() - interval '40 days' where being = any(${old}::text[])`
  while ((await forgetSilentGuests(sql, 30 * 86_400, 2)) > 0);
  const left = await sql<{ id: string }[]>`select id from beings where id = any(${all}::text[])`
  expect(new Set(left.map(({ id }) => id))).toEqual(new Set(all.filter((id) => id !== silent.being.id)))
  expect((await api.ask('GET', '/v1/sessions/current', { token: silent.token })).status).toBe(401)
  expect(await sql`select from sessions where being = ${silent.being.id}`).toHaveLength(0)
  // Its id is free, and nothing comes with it.
  expect((await api.signIn('New', silent.being.id)).being).toMatchObject({ name: 'New', rev: 0 })
})

test('A307 what a row weighs is stored with it as text, however short it was sent, and follows every change of it', async () => {
  const { token } = await api.signIn('Writer')
  const { space, ...create } = newSpace()
  const [document, id] = [freshId('document'), uuid()]
  const printed = { type: 'numbers', all: Array.from({ length: 2000 }, () => 1e308) }
  await api.mutate(
    token,
    ...[{ space, ...create } satisfies Wanted],
    { space, name: 'being.create', args: { id: document, type: 'document', name: 'D', content: [printed] } },
    { space, name: 'intention.create', args: { id, type: 'utterance', content: [printed, 'a'] } },
    { space, name: 'intention.append', args: { id, text: 'é' } },
  )
  const { sql } = connection
  const rows = () => sql<{ bytes: number; weighed: number }[]>`
    select bytes, octet_length(metadata::text) + octet_length(properties::text) + octet_length(content::text) as weighed
      from beings where id = ${document}
    union all select bytes, octet_length(content::text) from intentions where id = ${id}
    union all select bytes, octet_length(body::text) from changes where space = ${space}`
  const before = await rows()
  expect(before).toHaveLength(7)
  for (const { bytes, weighed } of before) expect(bytes).toBe(weighed)
  expect(Math.max(...before.map(({ bytes }) => bytes))).toBeGreaterThan(600_000)
  await api.mutate(token, { space, name: 'intention.remove', args: { id } })
  for (const { bytes, weighed } of await rows()) expect(bytes).toBe(weighed)
  const [sum] = await sql<{ bytes: number }[]>`
    select sum(bytes)::int as bytes from changes where space = ${space} and body ->> 'id' = ${id}`
  expect(sum?.bytes).toBeLessThan(2000)
})

test('A308 what is long is written again only where it changed', async () => {
  const { token } = await api.signIn('Writer')
  const { space, ...create } = newSpace()
  const [document, id] = [freshId('document'), uuid()]
  const long = randomBytes(30_000).toString('base64')
  const args = { id: document, type: 'document', name: 'D', content: [long], properties: { long } } as const
  const { sql } = connection
  /** Where the long values are kept, by the address of their first piece. */
  const kept = async () => {
    const [row] = await sql<{ places: string }[]>`
      select pg_column_toast_chunk_id(content) || ' ' || pg_column_toast_chunk_id(properties) || ' ' ||
        (select pg_column_toast_chunk_id(content) from intentions where id = ${id}) as places
      from beings where id = ${document}`
    return row?.places
  }
  await api.mutate(
    token,
    ...[{ space, ...create } satisfies Wanted],
    { space, name: 'being.create', args: { ...args, content: [long] } },
    { space, name: 'intention.create', args: { id, type: 'utterance', state: 'active', content: [long] } },
  )
  const before = await kept()
  expect(before).toMatch(/^\d+ \d+ \d+$/)
  const changed = await api.mutate(
    token,
    ...[{ space, name: 'being.update', args: { id: document, name: 'Renamed' } } satisfies Wanted],
    { space, name: 'intention.update', args: { id, state: 'complete' } },
    { space, name: 'being.expel', args: { id: document } },
  )
  expect(statuses(changed)).toEqual(['applied', 'applied', 'applied'])
  expect(await kept()).toBe(before)
  const { body } = await api.ask('GET', `/v1/beings?ids=${document}`, { token })
  expect(body).toMatchObject({ beings: [{ name: 'Renamed', location: null, content: [long], properties: { long } }] })
  await api.mutate(token, { space: null, name: 'being.update', args: { id: document, content: ['short'] } })
  expect(await sql`select content, properties from beings where id = ${document}`).toEqual([
    { content: ['short'], properties: { long } },
  ])
})
