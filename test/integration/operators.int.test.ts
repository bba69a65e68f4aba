/** What operators do, over real processes: one api, two gateways, and everything that is stored anywhere. */
import { execFile } from 'node:child_process'
import { repository } from '@rhizom/infra/local/places.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { auditSchema, foundBeingsSchema, foundSpacesSchema, nodesSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, call, freshId, mutate, type Session, signIn, utterance } from '../wire/api-caller.ts'

let cluster: Cluster
let api: string
let ada: Session

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    env: { api: { SESSIONS_PER_SECOND: '0' } },
    apis: 1,
    gateways: 2,
  })
  api = cluster.apis[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
})
afterAll(() => cluster?.stop())

const operate = (method: string, path: string, body?: object, token: string = cluster.operatorToken) =>
  call(cluster.apis[0]?.internalUrl ?? '', method, `/operator/v1${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
  })

async function done(path: string, body: object): Promise<unknown> {
  const answer = await operate('POST', path, { reason: 'a test', ...body })
  expect([path, answer.status, answer.body]).toEqual([path, 200, answer.body])
  return answer.body
}

async function openSpace(owner = ada): Promise<string> {
  const id = freshId('space')
  await apply(api, owner.token, { space: id, name: 'space.create', args: { name: 'A space' } })
  return id
}

async function watch(index: number, session: Session, space: string): Promise<RawClient> {
  const socket = await RawClient.welcomed(cluster.gateways[index]?.url ?? '', session.token)
  socket.send({ type: 'subscribe', space })
  await socket.frame('snapshot', (frame) => frame.space === space)
  return socket
}

const audit = async () => auditSchema.parse((await operate('GET', '/audit')).body).actions

/** At once; this is for a machine that is busy with something else. */
const WITHIN_MS = 10_000

test('A204 a ban by an operator closes the space to who is banned on both gateways, and screens learn of it', async () => {
  const space = await openSpace()
  const bob = await signIn(api, 'Bob')
  await apply(api, bob.token, { space, name: 'being.move', args: { id: bob.being.id } })
  const bobs = [await watch(0, bob, space), await watch(1, bob, space)]
  const adas = await watch(1, ada, space)
  const bannedAt = performance.now()
  await done(`/spaces/${space}/ban`, { being: bob.being.id })
  for (const [index, socket] of bobs.entries()) {
    await socket.frame('unsubscribed', (frame) => frame.space === space && frame.code === 'revoked')
    const ms = performance.now() - bannedAt
    process.stdout.write(`a ban reached gateway ${index + 1} within ${ms.toFixed(0)} ms\n`)
    expect(ms).toBeLessThan(WITHIN_MS)
    socket.terminate()
  }
  await adas.until('the ban with its actor', () =>
    adas.frames.some(
      (frame) =>
        frame.type === 'changes' &&
        frame.changes.some(({ kind, actor }) => kind === 'member.put' && actor === '@operator'),
    ),
  )
  adas.terminate()
  expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: bob.token })).status).toBe(404)
  await done(`/spaces/${space}/unban`, { being: bob.being.id })
  expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: bob.token })).status).toBe(200)
})

test('A201 nobody but an operator is let in, and without a reason nothing is done', async () => {
  const space = await openSpace()
  for (const token of [ada.token, cluster.internalToken, 'tests', cluster.operatorToken.slice(1)])
    for (const [method, path] of [
      ['GET', '/beings'],
      ['GET', '/audit'],
      ['POST', `/spaces/${space}/remove`],
    ] as const)
      expect((await operate(method, path, method === 'POST' ? { reason: 'x' } : undefined, token)).status).toBe(401)
  for (const body of [{}, { reason: '' }, { reason: '  ' }, { reason: 'x'.repeat(501) }])
    expect((await operate('POST', `/spaces/${space}/remove`, body)).status).toBe(400)
  expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: ada.token })).status).toBe(200)
})

test('A202 each action leaves a row of who, what, when and why, also one that is refused', async () => {
  const space = await openSpace()
  await done(`/spaces/${space}/owner`, { being: ada.being.id, reason: 'because' })
  const refused = await operate('POST', `/spaces/${space}/expel`, { being: '@nobody-at-all', reason: 'in vain' })
  expect(refused.status).toBe(404)
  expect((await audit()).slice(0, 2)).toMatchObject([
    { operator: 'tests', action: 'expel', target: `@nobody-at-all in ${space}`, reason: 'in vain' },
    { operator: 'tests', action: 'owner', target: `${ada.being.id} in ${space}`, reason: 'because', outcome: 'done' },
  ])
  expect((await audit())[0]?.outcome).toContain('not-found')
  const first = auditSchema.parse((await operate('GET', '/audit?limit=1')).body)
  const next = await operate('GET', `/audit?limit=1&cursor=${encodeURIComponent(first.nextCursor ?? '')}`)
  expect(auditSchema.parse(next.body).actions).toMatchObject([{ action: 'owner' }])
})

test('A203 beings, spaces and nodes are found, by parts of names and by size', async () => {
  const name = freshId('needle').slice(1)
  const bob = await signIn(api, name)
  const space = await openSpace(bob)
  await apply(api, bob.token, utterance(space, 'twelve bytes'))
  const beings = foundBeingsSchema.parse((await operate('GET', `/beings?name=${name.toUpperCase()}`)).body).beings
  expect(beings).toMatchObject([{ id: bob.being.id, intentions: 1, removedAt: null }])
  expect(beings[0]?.bytes).toBeGreaterThanOrEqual(12)
  for (const sort of ['id', 'activity', 'bytes']) {
    const answer = await operate('GET', `/spaces?id=${space}&sort=${sort}`)
    expect(foundSpacesSchema.parse(answer.body).spaces).toMatchObject([
      { id: space, owners: [bob.being.id], members: 1, intentions: 1 },
    ])
  }
  const [first] = foundBeingsSchema.parse((await operate('GET', '/beings?limit=1')).body).beings
  const page = await operate('GET', `/beings?limit=1&cursor=${encodeURIComponent(first?.id ?? '')}`)
  const [second] = foundBeingsSchema.parse(page.body).beings
  expect((second?.id ?? '') > (first?.id ?? '')).toBe(true)
  await eventually('both gateways are known', async () => {
    const { gateways } = nodesSchema.parse((await operate('GET', '/nodes')).body)
    return gateways.filter(({ isAlive }) => isAlive).length >= 2
  })
})

test('A205 spaces, words, sessions and beings are removed as if by an owner, and a space keeps one', async () => {
  const bob = await signIn(api, 'Bob')
  const space = await openSpace(bob)
  const said = uuidv7()
  await apply(api, bob.token, utterance(space, 'words to be redacted', said))
  await done(`/intentions/${said}/redact`, {})
  const { body } = await call<{ intentions: unknown[] }>(api, 'GET', `/v1/spaces/${space}`, { token: bob.token })
  expect(body.intentions).toEqual([])
  const alone = await operate('POST', `/beings/${bob.being.id}/remove`, { reason: 'a test' })
  expect([alone.status, alone.body]).toMatchObject([403, { detail: expect.stringContaining(space) }])
  await done(`/spaces/${space}/remove`, {})
  expect((await call(api, 'GET', `/v1/spaces/${space}`, { token: bob.token })).status).toBe(404)
  const issued = (await done(`/beings/${bob.being.id}/sessions`, {})) as { token: string }
  const listed = await operate('GET', `/beings/${bob.being.id}/sessions`)
  const [latest] = (listed.body as { sessions: { id: string }[] }).sessions
  expect((await call(api, 'GET', '/v1/sessions/current', { token: issued.token })).status).toBe(200)
  await done(`/beings/${bob.being.id}/sessions/${latest?.id}/end`, {})
  expect((await call(api, 'GET', '/v1/sessions/current', { token: issued.token })).status).toBe(401)
  expect((await call(api, 'GET', '/v1/sessions/current', { token: bob.token })).status).toBe(200)
  const socket = await RawClient.welcomed(cluster.gateways[1]?.url ?? '', bob.token)
  await done(`/beings/${bob.being.id}/remove`, {})
  expect((await socket.hasClosed()).code).toBe(4501)
  await done('/prune', {})
})

test('A206 nobody signs in as the operator, or is one by that name', async () => {
  const answer = await call(api, 'POST', '/v1/sessions', { body: { name: 'Operator', id: '@operator' } })
  expect(answer.status).toBe(409)
  const [made] = (
    (await mutate(api, ada.token, {
      ...{ space: null, name: 'being.create', id: uuidv7() },
      args: { id: '@operator', type: 'bot', name: 'Operator' },
    })) as { body: { results: { status: string }[] } }
  ).body.results
  expect(made?.status).toBe('rejected')
})

/** `npm run operate`, as somebody types it. */
function typed(args: readonly string[], token = cluster.operatorToken, url = cluster.apis[0]?.internalUrl ?? '') {
  const env = { ...process.env, OPERATOR_URL: url, OPERATOR_TOKEN: token, RHIZOM_LOCAL_DIR: '/nowhere-at-all' }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, ['infra/operate/operate.ts', ...args], { env, cwd: repository }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
  })
}

test('I91 an operator finds, bans and erases from a command line, and no token is told', async () => {
  const space = await openSpace()
  const eve = await signIn(api, 'Eve \u001b[2J of the command line')
  const found = await typed(['beings', '--id', eve.being.id])
  expect(found.out.split('\n')[1]).toMatch(new RegExp(`^${eve.being.id} +guest +Eve ·\\[2J of the`))
  const banned = await typed(['ban', space, eve.being.id, '--why', 'a test of the command line'])
  expect(banned).toMatchObject({ code: 0, out: expect.stringContaining('"action"') })
  const lines = (await typed(['audit', '--limit', '1'])).out.split('\n')
  expect(lines[1]).toContain('a test of the command line')
  const unasked = await typed(['erase', eve.being.id, '--why', 'a test'])
  expect(unasked).toMatchObject({ code: 1, err: expect.stringContaining('--yes') })
  const exported = await typed(['export', eve.being.id, '--why', 'a test'])
  expect(
    exported.out
      .trim()
      .split('\n')
      .map((line) => typeof JSON.parse(line)),
  ).toContain('object')
  expect(await typed(['erase', eve.being.id, '--why', 'a test', '--yes'])).toMatchObject({ code: 0 })
  const gone = await typed(['erase', '@nobody-at-all', '--why', 'a test', '--yes'])
  expect(gone).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^operate: not-found: [^\n]+\n$/) })
  const forged = await typed(['nodes'], 'x'.repeat(40))
  expect(forged).toMatchObject({ code: 1, err: expect.stringContaining('[401]') })
  const nobody = await typed(['nodes'], cluster.operatorToken, 'http://127.0.0.1:1')
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('no answer from http://127.0.0.1:1') })
  const all = [found, banned, unasked, exported, gone, forged, nobody].flatMap(({ out, err }) => [out, err]).join('')
  for (const token of [cluster.operatorToken, 'x'.repeat(40)]) expect(all).not.toContain(token)
})
