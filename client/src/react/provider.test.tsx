// @vitest-environment happy-dom
import { act, cleanup, render, screen } from '@testing-library/react'
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { textOf } from '../core/text.ts'
import { loadSession, type Session } from '../runtime/storage.ts'
import { SESSION_PATIENCE_MS } from '../session/ask-for-session.ts'
import { guestSession } from '../session/guest-session.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing, anUtterance, SpaceLog } from '../testing/space-log.ts'
import { RhizomProvider } from './provider.tsx'
import { useRhizom } from './rhizom-context.ts'
import { useSay } from './use-say.ts'
import { useSpaceIntentions } from './use-space.ts'

afterEach(cleanup)

const GUESTS = 'POST /v1/sessions'

function aStage() {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') })
  server.serve(log)
  const session = { token: 't', expiresAt: environment.dateMs() + 86_400_000, being: aBeing('@ada', { name: 'Ada' }) }
  server.route(GUESTS, () => ({ status: 201, body: session }))
  const app = { environment, baseUrl: 'http://rhizom.test', transports: ['websocket'] } as const
  const pass = (ms: number) =>
    act(async () => {
      await environment.advance(ms)
      await environment.settle()
    })
  const guests = () => server.requests.filter(({ method, path }) => `${method} ${path}` === GUESTS).length
  return { server, environment, log, session, app, pass, guests }
}

function Lobby() {
  const { intentions } = useSpaceIntentions('@lobby')
  return <p data-testid="shown">{intentions.map(({ content }) => textOf(content)).join(' ')}</p>
}

const shown = (): string | null => screen.queryByTestId('shown')?.textContent ?? null

test('C181 a provider takes a function that signs in: one guest in strict mode, shown when there, kept for next time', async () => {
  const { environment, app, pass, server, guests } = aStage()
  const signIn = (): Promise<Session> => guestSession('Ada', { environment, apiUrl: app.baseUrl })
  const page = (
    <StrictMode>
      <RhizomProvider session={signIn} fallback={<p data-testid="shown">one moment</p>} {...app}>
        <Lobby />
      </RhizomProvider>
    </StrictMode>
  )
  render(page)
  expect(shown()).toBe('one moment')
  for (let turn = 0; turn < 4; turn++) await pass(1)
  expect(shown()).toBe('hello')
  expect([guests(), server.connections.length]).toEqual([1, 1])
  expect(loadSession(environment.storage)?.being.id).toBe('@ada')
  cleanup()
  render(page)
  for (let turn = 0; turn < 4; turn++) await pass(1)
  expect([shown(), guests()]).toEqual(['hello', 1])
})

test('C181 a function that throws, rejects or hangs is asked again, and each time is reported', async () => {
  const { environment, session, app, pass } = aStage()
  const answers: (() => Promise<Session>)[] = [
    () => {
      throw new Error('thrown')
    },
    () => Promise.reject(new Error('rejected')),
    () => new Promise(() => undefined),
    async () => session,
  ]
  let asked = 0
  const ask = async (): Promise<Session> => (answers[asked++] ?? (async () => session))()
  render(
    <RhizomProvider session={ask} {...app}>
      <Lobby />
    </RhizomProvider>,
  )
  await pass(SESSION_PATIENCE_MS + 60_000)
  await pass(1_000)
  expect([asked, shown()]).toEqual([4, 'hello'])
  expect(environment.reports.filter((report) => report.startsWith('no session was given'))).toHaveLength(3)
})

test('C181 a renewed session is kept where the former one was', async () => {
  const { environment, session, app, pass, server } = aStage()
  const renewed = { ...session, token: 'renewed', expiresAt: session.expiresAt + 86_400_000 }
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 200, body: renewed }))
  const signIn = (): Promise<Session> => guestSession('Ada', { environment, apiUrl: app.baseUrl })
  render(
    <RhizomProvider session={signIn} {...app}>
      <Lobby />
    </RhizomProvider>,
  )
  await pass(1)
  await pass(86_400_000)
  expect(loadSession(environment.storage)?.token).toBe('renewed')
})

test("C182 the app's own Query client is what its queries find, above and below the provider", async () => {
  const { session, app, pass } = aStage()
  const own = new QueryClient()
  const found: QueryClient[] = []
  function Own() {
    found.push(useQueryClient())
    return <Lobby />
  }
  function Store() {
    expect(useRhizom().store.queryClient).not.toBe(own)
    return <Own />
  }
  render(
    <QueryClientProvider client={own}>
      <RhizomProvider session={session} {...app}>
        <Store />
      </RhizomProvider>
    </QueryClientProvider>,
  )
  for (let turn = 0; turn < 4; turn++) await pass(1)
  expect(found.length).toBeGreaterThan(0)
  expect(found.filter((client) => client !== own)).toEqual([])
  expect(shown()).toBe('hello')
  expect(own.getQueryCache().getAll()).toEqual([])
})

test('C183 whoever says something and is elsewhere enters first, in the same request; who is there just says it', async () => {
  const { session, app, pass, server, log } = aStage()
  const bodies: { name: string; args: object }[][] = []
  server.route('POST /v1/mutations', (body) => {
    const { mutations } = body as { mutations: { id: string; name: string; args: object }[] }
    bodies.push(mutations)
    return { status: 200, body: { results: mutations.map(({ id }) => ({ id, status: 'applied' })) } }
  })
  const said: unknown[] = []
  function Writer() {
    const say = useSay('@lobby')
    return (
      <button type="button" onClick={() => void say('Hi').then((outcome) => said.push(outcome))}>
        <Lobby />
      </button>
    )
  }
  render(
    <RhizomProvider session={session} {...app}>
      <Writer />
    </RhizomProvider>,
  )
  for (let turn = 0; turn < 4; turn++) await pass(1)
  screen.getByRole('button').click()
  await pass(1)
  expect(said).toMatchObject([{ status: 'applied' }])
  expect(bodies.map((mutations) => mutations.map(({ name }) => name))).toEqual([['being.move', 'intention.create']])
  expect(bodies[0]?.[1]?.args).toMatchObject({ type: 'utterance', content: ['Hi'] })
  const moved = log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) })
  server.publish(log, moved)
  await pass(1)
  screen.getByRole('button').click()
  await pass(1)
  expect(bodies[1]?.map(({ name }) => name)).toEqual(['intention.create'])
})

test('C205 a function is asked again when the session is over; the same one is not taken, and what waits goes on', async () => {
  const { server, environment, session, app, pass } = aStage()
  const given: Session[] = []
  const answers = [session, session, { ...session, token: 'another' }]
  const ask = async (): Promise<Session> => {
    const next = answers[Math.min(given.length, answers.length - 1)] ?? session
    given.push(next)
    return next
  }
  render(
    <StrictMode>
      <RhizomProvider session={ask} {...app}>
        <Lobby />
      </RhizomProvider>
    </StrictMode>,
  )
  for (let turn = 0; turn < 4; turn++) await pass(1)
  expect([shown(), given.length]).toEqual(['hello', 1])
  server.connection.close(4501)
  await pass(0)
  expect(shown()).toBe('hello')
  await pass(60_000)
  await pass(1_000)
  expect(given.map(({ token }) => token)).toEqual(['t', 't', 'another'])
  expect(environment.reports.filter((report) => report.includes('over was given again'))).toHaveLength(1)
  const [hello] = server.connection.received
  expect(hello).toMatchObject({ type: 'hello', token: 'another' })
  expect(shown()).toBe('hello')
  expect(server.connections.filter(({ open }) => open)).toHaveLength(1)
})

test('C161 a provider that is told to prevent it has the browser ask before something unsent is left', async () => {
  const { server, session, app, pass } = aStage()
  server.route('POST /v1/mutations', () => 'fail')
  function Writer() {
    const say = useSay('@lobby')
    return (
      <button type="button" onClick={() => void say('Hi')}>
        <Lobby />
      </button>
    )
  }
  render(
    <RhizomProvider session={session} preventUnsaved {...app}>
      <Writer />
    </RhizomProvider>,
  )
  for (let turn = 0; turn < 4; turn++) await pass(1)
  const isAsked = (): boolean => {
    const event = new Event('beforeunload', { cancelable: true })
    window.dispatchEvent(event)
    return event.defaultPrevented
  }
  expect(isAsked()).toBe(false)
  screen.getByRole('button').click()
  await pass(1)
  expect(isAsked()).toBe(true)
})
