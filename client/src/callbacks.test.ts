/** Functions of the app that hang, reject or throw: each is met with each, and every mutation settles all the same. */
import { expect, test } from 'vitest'
import { createClient, type ClientOptions } from './client.ts'
import { manualEnvironment } from './testing/manual-environment.ts'
import { problem, ScriptedServer } from './testing/scripted-server.ts'
import { aBeing, SpaceLog } from './testing/space-log.ts'

const POST = 'POST /v1/mutations'

const WAYS: [string, () => Promise<never>][] = [
  ['hangs', () => new Promise(() => undefined)],
  ['rejects', () => Promise.reject(new Error('not now'))],
  ['rejects with what is no error', () => Promise.reject('not now')],
  [
    'throws',
    () => {
      throw new Error('not now')
    },
  ],
]

function aClientOf(options: Partial<ClientOptions> = {}) {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  server.serve(new SpaceLog('@lobby'))
  // No heartbeats come from a scripted server.
  server.heartbeatMs = 24 * 3_600_000
  const session = { token: 'token-1', expiresAt: environment.dateMs() + 100_000, being: aBeing('@ada') }
  const client = createClient({
    session,
    environment,
    baseUrl: 'http://rhizom.test',
    transports: ['websocket'],
    ...options,
  })
  /** Takes the tokens that are good. */
  const takes = (...tokens: string[]) =>
    server.route(POST, (body, _url, init) =>
      tokens.some((token) => new Headers(init.headers).get('authorization') === `Bearer ${token}`)
        ? {
            status: 200,
            body: {
              results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({ id, status: 'applied' })),
            },
          }
        : { status: 401, body: problem(401, 'token-expired') },
    )
  return { client, server, environment, session, takes }
}

const rename = (client: ReturnType<typeof aClientOf>['client']) =>
  client.mutate('space.update', '@lobby', { name: 'Hall' })

test.each(WAYS)(
  'C193 a token provider that %s is asked again, and what waits for a token is sent with the one it gives then',
  async (_how, fails) => {
    let failures = 2
    const asked: number[] = []
    const { client, server, environment, session, takes } = aClientOf({
      renewSession: () => {
        asked.push(environment.nowMs())
        return failures-- > 0 ? fails() : Promise.resolve({ ...session, token: 'token-2' })
      },
    })
    takes('token-2')
    client.watchSpace('@lobby')
    client.connect()
    await environment.settle()
    const outcome = rename(client)
    // Far beyond what a token has left: everything that needs a new one meets what fails.
    await environment.advance(200_000)
    expect(await outcome).toMatchObject({ status: 'applied' })
    expect(asked.length).toBeGreaterThan(2)
    expect(environment.reports.filter((report) => report.startsWith('a session could not be renewed'))).toHaveLength(2)
    expect(server.connections).toHaveLength(1)
    expect(server.connection.received).toContainEqual({ type: 'refresh', token: 'token-2' })
    client.close()
  },
)

test('C193 a provider that never recovers is asked ever more rarely, and closing hands back what waits for it', async () => {
  let asked = 0
  const { client, environment, takes } = aClientOf({
    renewSession: () => {
      asked += 1
      return new Promise(() => undefined)
    },
  })
  takes('token-2')
  client.connect()
  const outcome = rename(client)
  await environment.advance(3_600_000)
  expect(asked).toBeGreaterThan(50)
  expect(asked).toBeLessThan(250)
  client.close()
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'closed' })
})

test('C193 what a provider gives is looked at: what is no session is a failure, and the former one goes on', async () => {
  const { client, environment } = aClientOf({
    // @ts-expect-error -- an app in JavaScript may give anything
    renewSession: async () => ({ token: 7 }),
  })
  client.connect()
  await environment.advance(90_000)
  expect(client.session().token).toBe('token-1')
  expect(environment.reports.join()).toContain('This is no session')
  client.close()
})

test.each(WAYS)(
  'C194 an error hook that %s costs neither what it was told of nor anything else',
  async (how, fails) => {
    const heard: string[] = []
    const { client, server, environment, takes } = aClientOf({
      onError: (what) => {
        heard.push(what)
        return fails()
      },
    })
    takes('token-1')
    client.onSyncStatus(() => {
      throw new Error('listener')
    })
    client.watchSpace('@lobby')
    client.connect()
    await environment.settle()
    server.connection.sendText('{"type":"changes"}')
    const outcome = rename(client)
    await environment.settle()
    expect(await outcome).toMatchObject({ status: 'applied' })
    expect(client.syncStatus().status).toBe('live')
    expect(heard.some((what) => what.includes('a listener to the status'))).toBe(true)
    expect(heard.some((what) => what.startsWith('a frame was not understood'))).toBe(true)
    // A hook that only hangs has heard it. That others fail is told where all would be without one, with what it was.
    expect(environment.reports.some((report) => report.startsWith('a frame was not understood'))).toBe(how !== 'hangs')
    expect(environment.reports.some((report) => report.startsWith('onError threw'))).toBe(how !== 'hangs')
    client.close()
  },
)

test.each(WAYS)('C194 whoever keeps renewed sessions and %s costs nothing: the token is used', async (how, fails) => {
  const { client, server, environment, session } = aClientOf({
    renewSession: () => Promise.resolve({ ...session, token: 'token-2' }),
    // An async function stands wherever one that returns nothing may.
    onSessionRenewed: () => fails(),
  })
  client.connect()
  await environment.advance(90_000)
  expect(server.connection.received).toContainEqual({ type: 'refresh', token: 'token-2' })
  expect(environment.reports.filter((report) => report.startsWith('onSessionRenewed threw')).length > 0).toBe(
    how !== 'hangs',
  )
  client.close()
})

test.each(WAYS)(
  'C195 a question before signing out that %s is not answered with yes: nothing is lost',
  async (_how, fails) => {
    const { client, server, environment, takes } = aClientOf()
    server.route(POST, () => 'fail')
    client.connect()
    const outcome = rename(client)
    await environment.settle()
    const signedOut = client.signOut(() => fails())
    await environment.advance(300_000)
    expect(await signedOut).toBe(false)
    expect(client.pendingMutations()).toHaveLength(1)
    takes('token-1')
    await environment.advance(30_000)
    expect(await outcome).toMatchObject({ status: 'applied' })
    client.close()
  },
)

test('C195 signing out asks only where something is unsent, tells how much, and does what is answered', async () => {
  const { client, server, environment } = aClientOf()
  server.route(POST, () => 'fail')
  client.connect()
  const outcome = rename(client)
  await environment.settle()
  const asked: number[] = []
  const ask = (answer: boolean) => async (unsent: number) => {
    asked.push(unsent)
    return answer
  }
  const [no] = await Promise.all([client.signOut(ask(false)), environment.settle()])
  expect(no).toBe(false)
  expect(client.pendingMutations()).toHaveLength(1)
  const [yes] = await Promise.all([client.signOut(ask(true)), environment.settle()])
  expect(yes).toBe(true)
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'closed' })
  expect(asked).toEqual([1, 1])
  const other = aClientOf()
  const [unasked] = await Promise.all([other.client.signOut(ask(false)), other.environment.settle()])
  expect(unasked).toBe(true)
  expect(asked).toHaveLength(2)
})

test('C243 signing out ends the session on the server; one that cannot be reached keeps nobody from it', async () => {
  for (const status of [204, 503]) {
    const { client, server, environment } = aClientOf()
    const ended: string[] = []
    server.route('DELETE /v1/sessions/current', () => {
      ended.push(client.session().token)
      return { status, body: {} }
    })
    const [done] = await Promise.all([client.signOut(() => true), environment.settle()])
    expect(done).toBe(true)
    expect(ended).toHaveLength(1)
  }
})

test.each(WAYS)(
  'C196 a fetch that %s, deaf to being aborted, is a request that failed: it is sent again',
  async (_how, fails) => {
    const { client, environment, takes } = aClientOf()
    takes('token-1')
    const { fetch } = environment
    let failures = 3
    environment.fetch = (url, init) => (failures-- > 0 ? fails() : fetch(url, init))
    const outcome = rename(client)
    await environment.advance(90_000)
    expect(await outcome).toMatchObject({ status: 'applied' })
    client.close()
  },
)
