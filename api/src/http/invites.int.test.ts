/** Invites on real tables, over two nodes: made, shown by many at once, revoked, and told apart by nobody. */
import {
  acceptInviteAnswerSchema,
  auditSchema,
  changesAnswerSchema,
  listInvitesAnswerSchema,
  postInviteAnswerSchema,
  type PostSessionAnswer,
  type Role,
  snapshotSchema,
} from '@rhizom/protocol'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pruneInvites } from '../db/write/invites.ts'
import { Database } from '../db/database.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { type Answer, freshId, startApi, type TestApi, uuid, type Wanted } from '../testing/test-api.ts'

const OPERATOR_TOKEN = 'an-operator-of-the-invites-test-0123456789'

let database: FreshDatabase
let nodes: [TestApi, TestApi]
let api: TestApi
let sql: postgres.Sql

beforeAll(async () => {
  database = await freshDatabase()
  const env = {
    OPERATOR_TOKENS: `olga:${OPERATOR_TOKEN}`,
    SESSIONS_PER_SECOND: '0',
    MUTATIONS_PER_SECOND: '1',
    MUTATIONS_BURST: '200',
  }
  nodes = [await startApi({ databaseUrl: database.url, env }), await startApi({ databaseUrl: database.url, env })]
  api = nodes[0]
  sql = postgres(database.url, { max: 2, onnotice: () => undefined })
})

afterAll(async () => {
  await sql.end()
  await Promise.all(nodes.map((node) => node.stop()))
  await database.drop()
})

const put = (space: string, being: string, role: Role): Wanted => ({ space, name: 'member.put', args: { being, role } })

async function newSpace(visibility: 'public' | 'private' = 'private') {
  const space = freshId('space')
  const owner = await api.signIn('Owner')
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space', visibility } })
  return { space, owner }
}

async function invite({ token }: PostSessionAnswer, space: string, body: object = {}) {
  const { status, body: made } = await api.ask('POST', `/v1/spaces/${space}/invites`, {
    token,
    body: { role: 'member', ...body },
  })
  expect([status, made]).toEqual([201, made])
  return postInviteAnswerSchema.parse(made)
}

const accept = ({ token }: PostSessionAnswer, secret: string, node = api): Promise<Answer> =>
  node.ask('POST', '/v1/invites/accept', { token, body: { secret } })

const revoke = ({ token }: PostSessionAnswer, space: string, id: string): Promise<Answer> =>
  api.ask('DELETE', `/v1/spaces/${space}/invites/${id}`, { token })

async function logOf({ token }: PostSessionAnswer, space: string) {
  const { epoch } = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
  const { body } = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=0&limit=1000`, { token })
  return changesAnswerSchema.parse(body).changes
}

const rolesOf = (space: string) => sql<{ being: string; role: string }[]>`
  select being, role from members where space = ${space} and role <> 'owner' order by being`

/** The answer as it came, but for what differs in any two answers. */
const told = ({ status, headers, body }: Answer) => [status, headers.get('content-type'), JSON.stringify(body)]

test('A375 owners make and list invites, the secret is stored as a digest only, and others learn of none', async () => {
  const { space, owner } = await newSpace()
  const [member, stranger] = [await api.signIn('Member'), await api.signIn('Stranger')]
  await api.mutate(owner.token, put(space, member.being.id, 'member'))
  const made = await invite(owner, space, { role: 'viewer', uses: 3 })
  expect(made.invite).toMatchObject({ space, role: 'viewer', by: owner.being.id, uses: 3, usesLeft: 3 })
  expect(made.secret.startsWith(`${made.invite.id}.`)).toBe(true)
  const [row] = await sql<{ row: string }[]>`select t::text as row from invites t where id = ${made.invite.id}`
  expect(row?.row).not.toContain(made.secret.slice(37))
  const listed = await api.ask('GET', `/v1/spaces/${space}/invites`, { token: owner.token })
  expect(listInvitesAnswerSchema.parse(listed.body).invites).toEqual([made.invite])
  expect(JSON.stringify(listed.body)).not.toContain(made.secret.slice(37))
  const asks = (of: string): [string, string, object?][] => [
    ['GET', `/v1/spaces/${of}/invites`],
    ['POST', `/v1/spaces/${of}/invites`, { role: 'member' }],
    ['DELETE', `/v1/spaces/${of}/invites/${made.invite.id}`],
  ]
  const ask = ({ token }: PostSessionAnswer, [method, path, body]: [string, string, object?]) =>
    api.ask(method, path, { token, ...(body === undefined ? {} : { body }) })
  for (const one of asks(space)) expect([one, (await ask(member, one)).status]).toEqual([one, 403])
  // Whoever waits for the lock of a space that is not there for them would wait for ever.
  await sql.begin(async (holding) => {
    await holding`select from spaces where id = ${space} for update`
    const none = freshId('none')
    for (const [nth, one] of asks(space).entries()) {
      const [hidden, absent] = [await ask(stranger, one), await ask(stranger, asks(none)[nth] ?? one)]
      expect(hidden.status).toBe(404)
      expect(JSON.stringify(told(hidden)).replaceAll(space, none)).toBe(JSON.stringify(told(absent)))
    }
  })
  expect(await sql`select from invites where space = ${space}`).toHaveLength(1)
})

test('A376 of twenty who accept the one use of an invite at once, on two nodes, exactly one gets in', async () => {
  const guests = await Promise.all(Array.from({ length: 20 }, () => api.signIn('Guest')))
  for (const uses of [1, 3]) {
    const { space, owner } = await newSpace()
    const { secret } = await invite(owner, space, { uses })
    const answers = await Promise.all(guests.map((guest, nth) => accept(guest, secret, nodes[nth % 2])))
    const inside = guests.filter((_, nth) => answers[nth]?.status === 200)
    expect(inside).toHaveLength(uses)
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(guests.length - uses)
    const ids = inside.map(({ being }) => being.id).sort()
    expect((await rolesOf(space)).map(({ being, role }) => [being, role])).toEqual(ids.map((id) => [id, 'member']))
    // It is in the log as any change of a role is, by whoever accepted, at the version that was answered.
    const log = await logOf(owner, space)
    expect(log.map(({ version }) => version)).toEqual(log.map((_, index) => index + 1))
    const put = log.filter(({ kind, actor }) => kind === 'member.put' && actor !== owner.being.id)
    const byActor = [...put].sort((left, right) => (left.actor < right.actor ? -1 : 1))
    expect(byActor.map(({ actor, body }) => [actor, body])).toEqual(
      ids.map((id) => [id, { being: id, role: 'member' }]),
    )
    const versions = answers
      .filter(({ status }) => status === 200)
      .map(({ body }) => acceptInviteAnswerSchema.parse(body))
    expect(versions.map(({ version = 0 }) => version).sort((left, right) => left - right)).toEqual(
      put.map(({ version }) => version),
    )
    // Asked again, since an answer may have been lost: as before, and nothing is done.
    for (const guest of inside) expect((await accept(guest, secret)).body).toEqual({ space })
    expect((await logOf(owner, space)).length).toBe(log.length)
  }
  const refused = await sql`select from mutations where status = 'rejected'`
  expect(refused).toHaveLength(0)
})

test('A377 what is wrong, revoked, used up, past, or shown by who is banned says what one says that never was', async () => {
  const { space, owner } = await newSpace()
  const [guest, banned] = [await api.signIn('Guest'), await api.signIn('Banned')]
  await api.mutate(owner.token, put(space, banned.being.id, 'banned'))
  const [open, revoked, past, used] = [
    await invite(owner, space, { uses: 5 }),
    await invite(owner, space),
    await invite(owner, space),
    await invite(owner, space),
  ]
  expect((await revoke(owner, space, revoked.invite.id)).status).toBe(204)
  expect((await revoke(owner, space, revoked.invite.id)).status).toBe(404)
  await sql`update invites set expires_at = now() where id = ${past.invite.id}`
  expect((await accept(await api.signIn('First'), used.secret)).status).toBe(200)
  const other = await newSpace()
  const gone = await invite(other.owner, other.space)
  await api.mutate(other.owner.token, { space: other.space, name: 'space.remove', args: {} })
  const never = `${uuid()}.${open.secret.slice(37)}`
  const expected = told(await accept(guest, never))
  expect(expected[0]).toBe(404)
  // None of them waits for the space.
  await sql.begin(async (holding) => {
    await holding`select from spaces where id = ${space} for update`
    for (const [who, secret] of [
      [guest, revoked.secret],
      [guest, past.secret],
      [guest, used.secret],
      [guest, gone.secret],
      [guest, `${open.invite.id}.${revoked.secret.slice(37)}`],
      [guest, open.secret.slice(0, -1)],
      [guest, open.invite.id],
      [guest, 'x'],
      [banned, open.secret],
    ] as const)
      expect([secret, ...told(await accept(who, secret))]).toEqual([secret, ...expected])
  })
  expect((await rolesOf(space)).map(({ role }) => role).sort()).toEqual(['banned', 'member'])
  expect(await sql`select from invites where id = ${open.invite.id} and uses_left = 5`).toHaveLength(1)
  // A ban that comes between the look and the turn of the space holds as well.
  await api.mutate(owner.token, put(space, guest.being.id, 'banned'))
  expect(told(await accept(guest, open.secret))).toEqual(expected)
})

test('A378 nobody gets in by an invite whose revocation was answered, however many are under way', async () => {
  const { space, owner } = await newSpace()
  const { secret, invite: made } = await invite(owner, space, { uses: 100 })
  const guests = await Promise.all(Array.from({ length: 20 }, () => api.signIn('Guest')))
  const accepting = guests.map((guest, nth) => accept(guest, secret, nodes[nth % 2]))
  await Promise.race(accepting)
  expect((await revoke(owner, space, made.id)).status).toBe(204)
  const then = await rolesOf(space)
  const answers = await Promise.all(accepting)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(then.length)
  expect(await rolesOf(space)).toEqual(then)
})

test('A379 an invite goes with the space, with whoever made it, and when it has ended; one that owns no more is none', async () => {
  const { space, owner } = await newSpace()
  const other = await api.signIn('Other')
  const guest = await api.signIn('Guest')
  await api.mutate(owner.token, put(space, other.being.id, 'owner'))
  const { secret } = await invite(other, space)
  await api.mutate(owner.token, put(space, other.being.id, 'member'))
  expect((await accept(guest, secret)).status).toBe(404)
  await api.mutate(owner.token, put(space, other.being.id, 'owner'))
  expect((await accept(guest, secret)).status).toBe(200)
  const rows = async () => (await sql`select from invites where space = ${space}`).length
  await api.mutate(other.token, { space: null, name: 'being.remove', args: { id: other.being.id } })
  expect(await rows()).toBe(0)
  await invite(owner, space)
  const past = await invite(owner, space)
  await sql`update invites set expires_at = now() - interval '1 second' where id = ${past.invite.id}`
  const pool = new Database({ url: database.url, poolSize: 1, deadlineMs: 60_000, name: 'prune' })
  try {
    await pool.use((connection) => pruneInvites(connection, 5000))
  } finally {
    await pool.close()
  }
  expect(await rows()).toBe(1)
  await api.mutate(owner.token, { space, name: 'space.remove', args: {} })
  expect(await rows()).toBe(0)
})

test('A380 attempts and invites are bounded: each request costs ten mutations, and a space has a hundred open', async () => {
  const { space, owner } = await newSpace()
  const { id } = (await invite(owner, space)).invite
  await sql`insert into invites select gen_random_uuid(), space, secret, role, made_by, uses, uses_left, created_at, expires_at
    from invites, generate_series(1, 99) where id = ${id}`
  const full = await api.ask('POST', `/v1/spaces/${space}/invites`, { token: owner.token, body: { role: 'member' } })
  expect([full.status, full.body]).toMatchObject([403, { code: 'forbidden' }])
  await revoke(owner, space, id)
  await invite(owner, space)
  const guest = await api.signIn('Guest')
  const answers = []
  for (let nth = 0; nth < 25; nth += 1) answers.push(accept(guest, `${uuid()}.${'x'.repeat(43)}`, nodes[nth % 2]))
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([404, 429]))
})

test('A381 operators see the invites of a space and revoke them, which leaves a row of who and why', async () => {
  const { space, owner } = await newSpace()
  const { secret, invite: made } = await invite(owner, space)
  const token = OPERATOR_TOKEN
  const listed = await api.ask('GET', `/operator/v1/spaces/${space}/invites`, { token })
  expect(listInvitesAnswerSchema.parse(listed.body).invites).toEqual([made])
  const path = `/operator/v1/invites/${made.id}/revoke`
  const reason = 'it stood on a wall'
  expect((await api.ask('POST', path, { token, body: {} })).status).toBe(400)
  expect((await api.ask('POST', path, { token, body: { reason } })).status).toBe(200)
  expect((await api.ask('POST', path, { token, body: { reason } })).status).toBe(404)
  expect((await accept(await api.signIn('Guest'), secret)).status).toBe(404)
  const { actions } = auditSchema.parse((await api.ask('GET', '/operator/v1/audit', { token })).body)
  expect(actions.filter(({ action }) => action === 'revoke-invite')).toMatchObject([
    { operator: 'olga', target: made.id, reason, outcome: expect.stringContaining('not-found') },
    { operator: 'olga', target: made.id, reason, outcome: 'done' },
  ])
})

test('A382 an operator who looks at people and spaces leaves a row of what was asked, and nodes and audit none', async () => {
  const token = OPERATOR_TOKEN
  const { owner, space } = await newSpace()
  const looks = [
    `/beings?name=${owner.being.id.slice(1)}`,
    `/spaces?id=${space}&limit=3`,
    `/beings/${owner.being.id}/sessions`,
    `/spaces/${space}/invites`,
  ]
  for (const path of [...looks, '/audit', '/nodes', '/spaces?limit=x'])
    await api.ask('GET', `/operator/v1${path}`, { token })
  await api.ask('GET', `/operator/v1${looks[0]}`, { token: 'nobody' })
  const { actions } = auditSchema.parse((await api.ask('GET', '/operator/v1/audit?limit=500', { token })).body)
  const rows = actions.filter(({ action, target }) => action === 'look' && looks.includes(target))
  expect(rows.map(({ target }) => target).reverse()).toEqual(looks)
  expect(new Set(rows.map(({ operator, outcome }) => `${operator} ${outcome}`))).toEqual(new Set(['olga done']))
  expect(actions.filter(({ target }) => /audit|nodes|limit=x/.test(target))).toEqual([])
})
