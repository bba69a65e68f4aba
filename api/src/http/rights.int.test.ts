/** Rights over HTTP, on real tables: what is not there for somebody, what is gone, and who locks nothing. */
import {
  beingsAnswerSchema,
  changesAnswerSchema,
  internalReadSchema,
  listSpacesAnswerSchema,
  mutationSchema,
  type Role,
  snapshotSchema,
} from '@rhizom/protocol'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid, type Wanted } from '../testing/test-api.ts'

let database: FreshDatabase
let nodes: [TestApi, TestApi]
let api: TestApi
let sql: postgres.Sql

beforeAll(async () => {
  database = await freshDatabase()
  nodes = [await startApi({ databaseUrl: database.url }), await startApi({ databaseUrl: database.url })]
  api = nodes[0]
  sql = postgres(database.url, { max: 2, onnotice: () => undefined })
})

afterAll(async () => {
  await sql.end()
  await Promise.all(nodes.map((node) => node.stop()))
  await database.drop()
})

const say = (space: string, text: string, id = uuid()): Wanted => ({
  ...{ space, name: 'intention.create', args: { id, type: 'utterance', content: [text] } },
})
const put = (space: string, being: string, role: Role): Wanted => ({ space, name: 'member.put', args: { being, role } })

async function newSpace(visibility: 'public' | 'private' = 'public') {
  const space = freshId('space')
  const owner = await api.signIn('Owner')
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space', visibility } })
  return { space, owner }
}

const snapshotOf = async (token: string, space: string) =>
  snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)

async function logOf(token: string, space: string) {
  const { epoch } = await snapshotOf(token, space)
  const { body } = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=0&limit=1000`, { token })
  return changesAnswerSchema.parse(body).changes
}

const outcomes = (results: { status: string; error?: { code: string } | undefined }[]) =>
  results.map(({ status, error }) => error?.code ?? status)

test('A103 posting is told with the space, kept, and followed', async () => {
  const { space, owner } = await newSpace()
  const guest = await api.signIn('Guest')
  expect((await snapshotOf(guest.token, space)).space.posting).toBe('everyone')
  expect(outcomes(await api.mutate(guest.token, say(space, 'before')))).toEqual(['applied'])
  await api.mutate(owner.token, { space, name: 'space.update', args: { posting: 'members' } })
  expect((await snapshotOf(guest.token, space)).space.posting).toBe('members')
  expect(outcomes(await api.mutate(guest.token, say(space, 'x')))).toEqual(['forbidden'])
  await api.mutate(owner.token, put(space, guest.being.id, 'member'))
  expect(outcomes(await api.mutate(guest.token, say(space, 'after')))).toEqual(['applied'])
})

/** Every path below a space, and every other that could tell of it. */
const paths = (space: string, document: string, said: string): [string, string, unknown?][] => [
  ['GET', `/v1/spaces/${space}`],
  ['GET', `/v1/spaces/${space}/changes?epoch=0193b2a0-0000-7000-8000-000000000001&after=0`],
  ['GET', `/v1/spaces/${space}/intentions`],
  ['GET', `/v1/spaces/${space}/intentions?before=${said}`],
  ['GET', `/v1/spaces/${space}/beings`],
  ['GET', `/v1/spaces/${space}/presence`],
  ['GET', `/v1/spaces/${space}/invites`],
  ['POST', `/v1/spaces/${space}/invites`, { role: 'member' }],
  ['DELETE', `/v1/spaces/${space}/invites/${said}`],
  ['PUT', `/v1/spaces/${space}/read`, { version: 1 }],
  ['GET', '/v1/work'],
  ['GET', '/v1/news'],
  ['POST', `/v1/spaces/${space}/signals`, { name: 'x' }],
  ['GET', `/v1/beings?ids=${space},${document}`],
  ['GET', '/v1/spaces?limit=1000'],
]

test('A104 to whoever is banned a public space is not there, on any path, until the ban is taken back', async () => {
  const { space, owner } = await newSpace()
  const guest = await api.signIn('Guest')
  const [document, said] = [freshId('doc'), uuid()]
  await api.mutate(
    owner.token,
    { space, name: 'being.create', args: { id: document, type: 'document', name: 'Doc' } },
    say(space, 'x', said),
  )
  await api.mutate(guest.token, { space, name: 'being.move', args: { id: guest.being.id } })
  const [, banned] = await api.mutate(owner.token, say(space, 'y'), put(space, guest.being.id, 'banned'))
  const log = await logOf(owner.token, space)
  expect(log.slice(-2).map(({ kind }) => kind)).toEqual(['being.remove', 'member.put'])
  expect(log.at(-1)).toMatchObject({ version: banned?.version, body: { role: 'banned' } })
  for (const [method, path, body] of paths(space, document, said)) {
    const answer = await api.ask(method, path, { token: guest.token, ...(body === undefined ? {} : { body }) })
    if (path.includes(`/spaces/${space}`)) expect(answer.status, path).toBe(404)
    else expect(JSON.stringify(answer.body), path).not.toContain(space)
  }
  const internal = await api.ask('GET', `/internal/spaces/${space}`, { token: INTERNAL_TOKEN })
  expect(internalReadSchema.parse(internal.body).access).toMatchObject({
    readers: [owner.being.id],
    banned: [guest.being.id],
  })
  await api.mutate(owner.token, { space, name: 'member.remove', args: { being: guest.being.id } })
  expect((await api.ask('GET', `/v1/spaces/${space}`, { token: guest.token })).status).toBe(200)
})

test('A105 words that are removed are gone from the log, whoever reads it, and versions stay', async () => {
  const { space, owner } = await newSpace()
  const guest = await api.signIn('Guest')
  const [said, kept] = [uuid(), uuid()]
  await api.mutate(guest.token, say(space, 'planted one', said), say(space, 'kept', kept))
  await api.mutate(guest.token, { space, name: 'intention.append', args: { id: said, text: 'planted two' } })
  await api.mutate(owner.token, { space, name: 'intention.update', args: { id: said, content: ['planted three'] } })
  await api.mutate(
    guest.token,
    { space, name: 'intention.update', args: { id: said, state: 'failed', reason: 'planted four' } },
    { space, name: 'intention.retry', args: { id: said } },
  )
  const claim = { space, name: 'intention.claim', args: { id: said, leaseMs: 60_000 } } as const
  const [claimed] = await api.mutate(guest.token, claim)
  const handBack = { id: said, state: 'draft', fence: claimed?.version ?? 0 } as const
  await api.mutate(
    guest.token,
    { space, name: 'intention.append', args: { id: said, text: 'planted five' } },
    { space, name: 'intention.update', args: handBack },
  )
  const before = await logOf(owner.token, space)
  expect(JSON.stringify(before)).toContain('planted two')
  expect(before.at(-1)).toMatchObject({ body: { former: ['planted threeplanted five'] } })
  await api.mutate(guest.token, { space, name: 'intention.remove', args: { id: said } })
  const after = await logOf(owner.token, space)
  expect(JSON.stringify(after)).not.toContain('planted')
  expect(JSON.stringify(after)).toContain('kept')
  expect(after.map(({ version }) => version)).toEqual([...before.map(({ version }) => version), before.length + 1])
  const rows = await sql<{ found: string }[]>`
    select body::text as found from changes where body::text like '%planted%' union all
    select content::text from intentions where content::text like '%planted%'`
  expect([...rows]).toEqual([])
})

/** The answer as it came, but for what differs in any two answers. */
async function answered(token: string, [method, path, body]: [string, string, unknown?]) {
  const {
    status,
    headers,
    body: told,
  } = await api.ask(method, path, { token, ...(body === undefined ? {} : { body }) })
  return { status, type: headers.get('content-type'), etag: headers.get('etag'), told: JSON.stringify(told) }
}

test('A112 what was said in private is not shown in public, if its owner says so', async () => {
  for (const history of ['hide', 'show'] as const) {
    const { space, owner } = await newSpace('private')
    const [before, after] = [uuid(), uuid()]
    await api.mutate(owner.token, say(space, 'planted', before))
    const { epoch, version } = await snapshotOf(owner.token, space)
    const update = { space, name: 'space.update', args: { visibility: 'public', history } } as const
    const [updated] = await api.mutate(owner.token, update)
    expect(updated?.version).toBe(version + 1)
    await api.mutate(owner.token, say(space, 'public', after))
    const { token } = await api.signIn('Newcomer')
    const snapshot = await snapshotOf(token, space)
    expect(snapshot.intentions.map(({ id }) => id)).toEqual(history === 'hide' ? [after] : [before, after])
    const told = await Promise.all(
      [
        `/v1/spaces/${space}/intentions`,
        `/v1/spaces/${space}/intentions?before=${before}`,
        `/v1/spaces/${space}/changes?epoch=${epoch}&after=0`,
        `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=0`,
        `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${version - 1}`,
      ].map((path) => api.ask('GET', path, { token })),
    )
    expect(told.map(({ status }) => status)).toEqual(
      history === 'hide' ? [200, 404, 410, 410, 410] : [200, 200, 200, 200, 200],
    )
    expect(JSON.stringify(told).includes('planted')).toBe(history === 'show')
    const { body } = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${version}`, {
      token,
    })
    expect(changesAnswerSchema.parse(body).changes.map(({ kind }) => kind)).toEqual(['space.put', 'intention.put'])
  }
})

/** Every row of every table, as text. */
async function allRows(): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema')`
  const rows: string[] = []
  for (const { name } of tables)
    for (const { row } of await sql<{ row: string }[]>`select t::text as row from ${sql.unsafe(name)} t`)
      rows.push(`${name} ${row}`)
  return rows.sort()
}

test('A404 who looks into a space, by whatever endpoint, moves nowhere and alters no row', async () => {
  const { space, owner } = await newSpace()
  const elsewhere = await newSpace()
  const [document, said] = [freshId('doc'), uuid()]
  await api.mutate(owner.token, {
    ...{ space, name: 'being.create', args: { id: document, type: 'document', name: 'Doc' } },
  })
  await api.mutate(owner.token, say(space, 'hello', said))
  const guest = await api.signIn('Guest')
  await api.mutate(guest.token, { space: elsewhere.space, name: 'being.move', args: { id: guest.being.id } })
  const before = await allRows()
  const looks = [
    ...paths(space, document, said).filter(([method]) => method === 'GET'),
    ['GET', '/v1/spaces'] as [string, string],
    ['GET', `/v1/beings?ids=${document},${guest.being.id}`] as [string, string],
  ]
  for (const [method, path] of looks) {
    const { status } = await api.ask(method, path, { token: guest.token })
    // Invites are for owners; a position of another history is none.
    expect([path, [200, 403, 410].includes(status)]).toEqual([path, true])
  }
  // What a gateway asks when somebody subscribes there.
  expect((await api.ask('GET', `/internal/spaces/${space}`, { token: INTERNAL_TOKEN })).status).toBe(200)
  expect(await allRows()).toEqual(before)
  expect((await api.ask('PUT', `/v1/spaces/${space}/read`, { token: guest.token, body: { version: 1 } })).status).toBe(
    200,
  )
  const after = await allRows()
  expect(after.filter((row) => !before.includes(row))).toEqual([expect.stringMatching(/^public.reads /)])
  expect(before.filter((row) => !after.includes(row))).toEqual([])
})

test('A405 one being writes in several spaces at once, with two sessions on two nodes, wherever it is', async () => {
  const [here, ...others] = [await newSpace(), await newSpace(), await newSpace(), await newSpace()]
  const guest = await api.signIn('Guest')
  const refreshed = await api.ask('POST', '/v1/sessions/current/refresh', { token: guest.token })
  const tokens = [guest.token, z.object({ token: z.string() }).parse(refreshed.body).token]
  await api.mutate(guest.token, { space: here.space, name: 'being.move', args: { id: guest.being.id } })
  const written = Array.from({ length: 40 }, (_, index) => ({ index, space: others[index % 3]?.space ?? '' }))
  const results = await Promise.all(
    written.map(({ index, space }) =>
      nodes[index % 2 === 0 ? 0 : 1].mutate(tokens[index % 2] ?? '', say(space, `words ${index}`)),
    ),
  )
  expect(outcomes(results.flat())).toEqual(written.map(() => 'applied'))
  for (const { space } of others) {
    const { intentions } = await snapshotOf(guest.token, space)
    expect(intentions.every(({ owner }) => owner === guest.being.id)).toBe(true)
    expect(intentions.map(({ content }) => JSON.stringify(content)).sort()).toEqual(
      written
        .filter((one) => one.space === space)
        .map(({ index }) => JSON.stringify([`words ${index}`]))
        .sort(),
    )
  }
  const { beings } = await snapshotOf(guest.token, here.space)
  expect(beings).toMatchObject([{ id: guest.being.id, location: here.space }])
})

test('A106 every endpoint and every mutation answers the same before there is what the caller may not see, and after', async () => {
  const eve = await api.signIn('Eve')
  const ada = await api.signIn('Ada')
  const bot = freshId('bot')
  await api.mutate(ada.token, { space: null, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } })
  const own = freshId('own')
  await api.mutate(eve.token, { space: own, name: 'space.create', args: { name: 'Own' } })
  const [hidden, document, said] = [freshId('hidden'), freshId('doc'), uuid()]
  const ids = [hidden, document, ada.being.id, bot]
  const wanted: Wanted[] = [
    ...[hidden, own, null].flatMap((space): Wanted[] =>
      ids.flatMap((id): Wanted[] => [
        { space, name: 'being.update', args: { id, name: 'x' } },
        { space, name: 'being.move', args: { id } },
        { space, name: 'being.remove', args: { id } },
      ]),
    ),
    ...[hidden, own].flatMap((space): Wanted[] => [
      ...ids.map((id): Wanted => ({ space, name: 'being.expel', args: { id } })),
      ...ids.map((id): Wanted => ({ space, name: 'member.remove', args: { being: id } })),
      { space, name: 'intention.update', args: { id: said, content: ['x'] } },
      { space, name: 'intention.append', args: { id: said, text: 'x' } },
      { space, name: 'intention.claim', args: { id: said, leaseMs: 1000 } },
      { space, name: 'intention.retry', args: { id: said } },
      { space, name: 'intention.remove', args: { id: said } },
    ]),
    { space: hidden, name: 'space.update', args: { name: 'x' } },
    { space: hidden, name: 'space.remove', args: {} },
    { space: hidden, name: 'intention.create', args: { id: uuid(), type: 'utterance', content: ['x'] } },
    { space: hidden, name: 'being.create', args: { id: freshId('new'), type: 'bot', name: 'x' } },
    put(hidden, eve.being.id, 'owner'),
    ...[hidden, document].map((id) => put(own, id, 'member')),
  ]
  // None is left out: but for making a space, which tells that its id is taken.
  const names = mutationSchema.options.map(({ shape }) => shape.name.value)
  expect([...new Set(wanted.map(({ name }) => name)), 'space.create'].sort()).toEqual([...names].sort())
  const described = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
  const { paths: documented } = described.parse((await api.ask('GET', '/openapi.json')).body)
  const inSpaces = Object.entries(documented)
    .filter(([path]) => path.includes('{space}'))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  const covered = paths('{space}', '', '{invite}').map(([method, path]) => `${method} ${path.split('?')[0]}`)
  expect(inSpaces.filter((endpoint) => !covered.includes(endpoint))).toEqual([])
  const asked = uuid()
  const ask = async () => {
    const told = []
    for (const path of [
      ...paths(hidden, document, said),
      ['GET', `/v1/beings?ids=${ids.join(',')}`] as [string, string],
      ['GET', `/v1/mutations/${asked}`] as [string, string],
    ])
      told.push([path[1], await answered(eve.token, path)])
    for (const mutation of wanted) {
      const mutations = [{ ...mutation, id: asked }]
      const answer = await answered(eve.token, ['POST', '/v1/mutations', { mutations }])
      await sql`delete from mutations where actor = ${eve.being.id}`
      told.push([JSON.stringify(mutation), answer])
    }
    return told
  }
  const before = await ask()
  await api.mutate(ada.token, { space: hidden, name: 'space.create', args: { name: 'Hidden', visibility: 'private' } })
  await api.mutate(
    ada.token,
    { space: hidden, name: 'being.create', args: { id: document, type: 'document', name: 'Doc' } },
    { space: hidden, name: 'being.move', args: { id: ada.being.id } },
    { space: hidden, name: 'being.move', args: { id: bot } },
    { space: hidden, name: 'being.update', args: { id: bot, properties: { secret: true } } },
    say(hidden, 'secret', said),
    put(hidden, bot, 'member'),
  )
  const after = await ask()
  expect(after).toEqual(before)
  await api.mutate(ada.token, { space: hidden, name: 'space.update', args: { visibility: 'public' } })
  await api.mutate(ada.token, put(hidden, eve.being.id, 'banned'))
  expect(await ask()).toEqual(before)
})

test('A107 strangers neither wait for a space they may not read, nor lock it, nor leave a row', async () => {
  const { space, owner } = await newSpace('private')
  const eve = await api.signIn('Eve')
  const document = freshId('doc')
  await api.mutate(owner.token, { space, name: 'being.create', args: { id: document, type: 'document', name: 'Doc' } })
  await sql.begin(async (holding) => {
    // Whoever asked for this lock would wait, and be refused in the end.
    await holding`select from spaces where id = ${space} for update`
    for (const one of [space, freshId('none')])
      expect(
        outcomes(
          await api.mutate(eve.token, say(one, 'x'), {
            ...{ space: one, name: 'member.put', args: { being: eve.being.id, role: 'owner' } },
          }),
        ),
      ).toEqual(['not-found', 'not-found'])
    expect(outcomes(await api.mutate(eve.token, { space, name: 'space.create', args: { name: 'x' } }))).toEqual([
      'taken',
    ])
    const moved = await api.mutate(
      eve.token,
      { space: null, name: 'being.move', args: { id: document } },
      { space: null, name: 'being.remove', args: { id: document } },
      { space: null, name: 'being.move', args: { id: owner.being.id } },
    )
    expect(outcomes(moved)).toEqual(['not-found', 'not-found', 'forbidden'])
  })
  const rows =
    await sql`select from mutations where actor = ${eve.being.id} and code = 'not-found' and message like 'no space%'`
  expect(rows).toHaveLength(0)
})

test('A107 what was done before access was lost is told again, and the removed are told that they are gone', async () => {
  const { space, owner } = await newSpace()
  const guest = await api.signIn('Guest')
  const id = uuid()
  await api.mutate(guest.token, { ...say(space, 'x'), id })
  await api.mutate(owner.token, put(space, guest.being.id, 'banned'))
  expect(outcomes(await api.mutate(guest.token, { ...say(space, 'x'), id }, say(space, 'y')))).toEqual([
    'duplicate',
    'not-found',
  ])
  const removal = uuid()
  await api.mutate(owner.token, { id: removal, space, name: 'space.remove', args: {} })
  expect(outcomes(await api.mutate(owner.token, { id: removal, space, name: 'space.remove', args: {} }))).toEqual([
    'duplicate',
  ])
  await api.mutate(guest.token, { space: null, name: 'being.remove', args: { id: guest.being.id } })
  const gone = { mutations: [{ ...say(space, 'x'), id: uuid() }] }
  expect((await api.ask('POST', '/v1/mutations', { token: guest.token, body: gone })).status).toBe(401)
})

test('A108 of two owners who remove themselves at once on two nodes one is refused, in every round', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { space, owner } = await newSpace()
    const other = await api.signIn('Other')
    await api.mutate(owner.token, put(space, other.being.id, 'owner'))
    const told = await Promise.all(
      [owner, other].map(({ token, being }, index) =>
        (nodes[index] ?? api).mutate(token, { space: null, name: 'being.remove', args: { id: being.id } }),
      ),
    )
    expect(outcomes(told.flat()).sort()).toEqual(['applied', 'last-owner'])
    const owners = await sql`
      select from members m join beings b on b.id = m.being and b.removed_at is null
      where m.space = ${space} and m.role = 'owner'`
    expect(owners).toHaveLength(1)
  }
})

test('A109 a being that is not where the reader may look is a face, without a place, a version or a time', async () => {
  const { space, owner } = await newSpace()
  const eve = await api.signIn('Eve')
  const guest = await api.signIn('Guest')
  await api.mutate(guest.token, say(space, 'hello'))
  await api.mutate(guest.token, {
    ...{ space: null, name: 'being.update', args: { id: guest.being.id, properties: { secret: true } } },
  })
  const face = {
    ...{ id: guest.being.id, type: 'guest', name: 'Guest', owner: null, location: null },
    ...{ metadata: {}, properties: {}, content: [], rev: 0, createdAt: 0, modifiedAt: 0, lastSeenAt: null },
  }
  const found = async (token: string) =>
    beingsAnswerSchema.parse((await api.ask('GET', `/v1/beings?ids=${guest.being.id}`, { token })).body).beings
  const author = async () => (await snapshotOf(eve.token, space)).beings.find(({ id }) => id === guest.being.id)
  expect(await found(eve.token)).toEqual([face])
  expect(await author()).toEqual(face)
  expect(await found(guest.token)).toMatchObject([{ properties: { secret: true }, createdAt: guest.being.createdAt }])
  await api.mutate(guest.token, { space, name: 'being.move', args: { id: guest.being.id } })
  expect(await found(eve.token)).toMatchObject([{ location: space, properties: { secret: true } }])
  expect(await author()).toMatchObject({ location: space })
  await api.mutate(owner.token, { space, name: 'being.expel', args: { id: guest.being.id } })
  expect(await found(eve.token)).toEqual([face])
  expect((await logOf(eve.token, space)).at(-1)).toMatchObject({ kind: 'being.remove', body: { id: guest.being.id } })
})

test('A104 A109 a list of spaces holds public ones, but for those that ban, and private ones of members', async () => {
  const [open, banning, own, foreign] = await Promise.all([
    newSpace(),
    newSpace(),
    newSpace('private'),
    newSpace('private'),
  ])
  const guest = await api.signIn('Guest')
  await api.mutate(banning.owner.token, put(banning.space, guest.being.id, 'banned'))
  await api.mutate(own.owner.token, put(own.space, guest.being.id, 'viewer'))
  const { body } = await api.ask('GET', '/v1/spaces?limit=1000', { token: guest.token })
  const listed = listSpacesAnswerSchema.parse(body).spaces.map(({ id }) => id)
  expect([open, banning, own, foreign].map(({ space }) => listed.includes(space))).toEqual([true, false, true, false])
})
