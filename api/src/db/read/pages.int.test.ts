/** Pages, snapshots and what gateways are given end by bytes too, and whoever reads on misses nothing. */
import {
  beingsAnswerSchema,
  changesAnswerSchema,
  intentionsAnswerSchema,
  internalReadSchema,
  snapshotSchema,
  spaceBeingsAnswerSchema,
} from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid, type Wanted } from '../../testing/test-api.ts'
import { readChanges } from './change-log.ts'
import { connect, type DatabaseConnection } from '../database.ts'

const BOUND = 20_000
const LARGE = 8000

let database: FreshDatabase
let connection: DatabaseConnection
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  connection = await connect({ url: database.url, deadlineMs: 10_000, name: 'pages' })
  const bytes = `${BOUND}`
  api = await startApi({
    databaseUrl: database.url,
    env: { PAGE_BYTES: bytes, SNAPSHOT_BYTES: bytes, CATCH_UP_BYTES: bytes },
  })
})

afterAll(async () => {
  connection.drop()
  await api.stop()
  await database.drop()
})

const say = (space: string, text: string): Wanted & { args: { id: string } } => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: [text] },
})

/** A space (two changes), then utterances of these lengths. Those of the greatest length do not fit into any page. */
async function newSpace(...lengths: number[]) {
  const space = freshId('pages')
  const { token } = await api.signIn('Owner')
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
  const said = lengths.map((length) => say(space, 'ä'.repeat(length / 2)))
  for (const one of said) await api.mutate(token, one)
  const get = async (path: string) => (await api.ask('GET', `/v1/spaces/${space}${path}`, { token })).body
  return { space, token, get, ids: said.map(({ args }) => args.id) }
}

test('A49 pages of the log end with the change that reaches the bound, hold one at least, and miss nothing', async () => {
  const { get } = await newSpace(LARGE, LARGE, LARGE, LARGE, 60_000, 60_000, 100, 100)
  const { epoch } = snapshotSchema.parse(await get(''))
  const pages: number[][] = []
  for (let after = 0, head = 1; after < head; ) {
    const page = changesAnswerSchema.parse(await get(`/changes?epoch=${epoch}&after=${after}`))
    expect(page).toMatchObject({ from: after, to: after + page.changes.length })
    pages.push(page.changes.map(({ version }) => version))
    ;({ to: after, head } = page)
  }
  expect(pages).toEqual([[1, 2, 3, 4, 5], [6, 7], [8], [9, 10]])
})

test('A49 what is beyond a page is not fetched', async () => {
  const { get } = await newSpace(...Array.from({ length: 20 }, () => LARGE))
  const { space, epoch } = snapshotSchema.parse(await get(''))
  const given: number[] = []
  const counting = new Proxy(connection.sql, {
    apply(target, self, args: [TemplateStringsArray, ...unknown[]]) {
      const query: Promise<unknown[]> = Reflect.apply(target, self, args)
      // Pieces of statements are made the same way; asking for their rows would send them.
      if (args[0].join('').trimStart().startsWith('select')) void query.then(({ length }) => given.push(length))
      return query
    },
  })
  await readChanges(counting, space, { epoch, version: 2 }, { items: 500, bytes: BOUND })
  expect(given).toEqual([3])
})

test('A49 pages of intentions and beings end by bytes, and give each once', async () => {
  const { space, token, get, ids } = await newSpace(LARGE, LARGE, LARGE, LARGE, 60_000, 60_000, 100)
  const pages: string[][] = []
  for (let before = '', hasMore = true; hasMore; ) {
    const page = intentionsAnswerSchema.parse(await get(`/intentions?limit=1000${before}`))
    pages.unshift(page.intentions.map(({ id }) => id))
    before = `&before=${page.intentions[0]?.id}`
    hasMore = page.hasMore
  }
  expect(pages.flat()).toEqual(ids)
  expect(pages.map(({ length }) => length)).toEqual([1, 3, 1, 2])

  const bots = Array.from({ length: 7 }, () => freshId('bot')).sort()
  for (const id of bots) {
    const properties = { x: 'x'.repeat(LARGE) }
    await api.mutate(token, { space, name: 'being.create', args: { id, type: 'bot', name: 'Bot', properties } })
  }
  const found: string[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = spaceBeingsAnswerSchema.parse(
      await get(`/beings?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`),
    )
    found.push(page.beings.map(({ id }) => id))
    cursor = page.nextCursor
  }
  expect(found.flat()).toEqual(bots)
  expect(found.map(({ length }) => length)).toEqual([3, 3, 1])
})

test('A50 a snapshot holds the newest within its bytes, says that there is more, and the rest can be read', async () => {
  const { space, token, get, ids } = await newSpace(LARGE, LARGE, LARGE, LARGE, LARGE, 100)
  const properties = { x: 'x'.repeat(LARGE) }
  const bots = Array.from({ length: 5 }, () => freshId('bot'))
  for (const id of bots)
    await api.mutate(token, { space, name: 'being.create', args: { id, type: 'bot', name: 'Bot', properties } })
  const snapshot = snapshotSchema.parse(await get(''))
  expect(snapshot.intentions.map(({ id }) => id)).toEqual(ids.slice(-4))
  expect(snapshot).toMatchObject({ hasMore: true, beingCount: 5 })
  const located = snapshot.beings.filter(({ location }) => location === space)
  expect(located.map(({ id }) => id)).toEqual(bots.toReversed().slice(0, 3))
  const older = intentionsAnswerSchema.parse(await get(`/intentions?before=${snapshot.intentions[0]?.id}`))
  expect([older.intentions.map(({ id }) => id), older.hasMore]).toEqual([ids.slice(0, 2), false])
})

test('A50 A72 authors end by bytes, those of the newest intentions first, and the rest are found by their ids', async () => {
  const { space, token, get } = await newSpace()
  const authors: string[] = []
  // Far more than fit: each writes and goes, and all are located elsewhere.
  for (let index = 0; index < 12; index += 1) {
    const author = await api.signIn('Author')
    const properties = { x: 'x'.repeat(index === 4 ? 60_000 : LARGE) }
    await api.mutate(
      author.token,
      { space: null, name: 'being.update', args: { id: author.being.id, properties } },
      { space, name: 'being.move', args: { id: author.being.id } },
      say(space, 'x'),
    )
    await api.mutate(author.token, { space: null, name: 'being.move', args: { id: author.being.id } })
    authors.unshift(author.being.id)
  }
  const snapshot = snapshotSchema.parse(await get(''))
  expect(snapshot.intentions.map(({ owner }) => owner)).toEqual(authors.toReversed())
  expect(snapshot.beings.map(({ id }) => id)).toEqual(authors.slice(0, 3))
  const older = intentionsAnswerSchema.parse(await get('/intentions?limit=9'))
  expect(older.beings.map(({ id }) => id)).toEqual(authors.slice(0, 3))
  const catchUp = internalReadSchema.parse(
    (await api.ask('GET', `/internal/spaces/${space}`, { token: INTERNAL_TOKEN })).body,
  )
  expect(catchUp).toMatchObject({ catchUp: { snapshot: { beings: [{}, {}, {}] } } })

  const nobody = freshId('nobody')
  const found: string[][] = []
  for (let missing = [...authors, nobody]; ; ) {
    const { body } = await api.ask('GET', `/v1/beings?ids=${missing.join(',')}`, { token })
    const ids = beingsAnswerSchema.parse(body).beings.map(({ id }) => id)
    if (ids.length === 0) break
    found.push(ids)
    missing = missing.filter((id) => !ids.includes(id))
  }
  expect(found.flat().sort()).toEqual(authors.toSorted())
  // The largest ends an answer wherever it comes; the others come three at a time.
  expect(Math.max(...found.map(({ length }) => length))).toBe(3)
  expect(found.length).toBeGreaterThanOrEqual(4)
})

test('A50 a gateway is given changes up to a number of bytes, and a snapshot instead of more', async () => {
  const { space, get } = await newSpace(LARGE, LARGE, LARGE, LARGE)
  const { epoch } = snapshotSchema.parse(await get(''))
  const read = async (after: number) => {
    const path = `/internal/spaces/${space}?epoch=${epoch}&after=${after}`
    return internalReadSchema.parse((await api.ask('GET', path, { token: INTERNAL_TOKEN })).body)
  }
  expect((await read(3)).catchUp).toMatchObject({ kind: 'changes', from: 3, changes: [{}, {}, {}] })
  const beyond = await read(2)
  expect(beyond).toMatchObject({ version: 6, catchUp: { kind: 'snapshot', snapshot: { version: 6 } } })
})
