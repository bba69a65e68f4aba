// @vitest-environment happy-dom
/** The hooks in a real tree, over a scripted server. */
import { act, cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { QueryClient } from '@tanstack/react-query'
import { aClientOn, type TestClient } from '../testing/a-client.ts'
import { aHookClient } from './testing/a-hook-client.ts'
import { createQueryStore, type QueryStore } from './query-store.ts'
import { problem } from '../testing/scripted-server.ts'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { newId } from '../sync/new-id.ts'
import { RhizomProvider } from './provider.tsx'
import { useBeing } from './use-being.ts'
import {
  useCancel,
  useKeeping,
  useMutate,
  usePendingMutations,
  usePreventUnsaved,
  useRefusedMutations,
} from './use-mutate.ts'
import { useSpace, useSpaceIntentions, useSpacePosition } from './use-space.ts'
import { useSyncStatus } from './use-sync-status.ts'

afterEach(cleanup)

function aLobby(): SpaceLog {
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada' }) })
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Bob' }) })
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') })
  return log
}

interface Stage extends TestClient<QueryStore> {
  log: SpaceLog
  /** Moves time on and lets React and the store catch up. */
  pass: (ms: number) => Promise<void>
}

async function show(children: ReactNode, options: { log?: SpaceLog } = {}): Promise<Stage> {
  const parts = aHookClient()
  const log = options.log ?? aLobby()
  parts.server.serve(log)
  render(<RhizomProvider client={parts.client}>{children}</RhizomProvider>)
  const pass = (ms: number) =>
    act(async () => {
      await parts.environment.advance(ms)
      await parts.environment.settle()
      await parts.environment.settle()
    })
  await pass(0)
  await pass(0)
  return { ...parts, log, pass }
}

const shown = (): string => screen.getByTestId('shown').textContent ?? ''

function Space() {
  const view = useSpace('@lobby')
  const position = useSpacePosition('@lobby')
  switch (view.status) {
    case 'loading':
      return <p data-testid="shown">loading {view.problem}</p>
    case 'closed':
      return <p data-testid="shown">closed {view.code}</p>
    case 'ready':
      return (
        <p data-testid="shown">
          {`${view.space.name} v${position?.version} ${view.current ? 'current' : 'stale'}: ${view.beings.map(({ name }) => name).join(', ')} of ${view.beingCount}`}
        </p>
      )
    default:
      return view satisfies never
  }
}

test('C70 useSpace shows a space, follows it, marks it stale without a connection, and says when it is closed', async () => {
  const { server, log, pass } = await show(<Space />)
  expect(shown()).toBe('lobby v3 current: Ada, Bob of 2')
  server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, name: 'The lobby' } }))
  await pass(0)
  expect(shown()).toBe('The lobby v4 current: Ada, Bob of 2')
  server.script = 'refuse'
  server.connection.close(1006)
  await pass(0)
  expect(shown()).toBe('The lobby v4 stale: Ada, Bob of 2')
  server.script = 'serve'
  await pass(20_000)
  expect(shown()).toBe('The lobby v4 current: Ada, Bob of 2')
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'revoked', message: 'no longer' })
  await pass(0)
  expect(shown()).toBe('closed revoked')
})

test('C41 showing a space sends no request, not on mounting again and not on focus', async () => {
  const { server, pass } = await show(
    <>
      <Space />
      <Conversation />
    </>,
  )
  window.dispatchEvent(new Event('focus'))
  document.dispatchEvent(new Event('visibilitychange'))
  await pass(1_000)
  expect(server.requests).toEqual([])
})

test('C42 after the store was emptied the hooks show the space again', async () => {
  const { client, server, log, pass } = await show(<Space />)
  client.store.queryClient.clear()
  await pass(0)
  expect(shown()).toBe('lobby v3 current: Ada, Bob of 2')
  server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, name: 'Renewed' } }))
  await pass(0)
  expect(shown()).toBe('Renewed v4 current: Ada, Bob of 2')
})

test.each(['resetQueries', 'clear', 'removeQueries', 'invalidateQueries', 'refetchQueries', 'cancelQueries'] as const)(
  'C137 %s of the cache costs a watched space nothing for long',
  async (method) => {
    const { client, server, log, pass } = await show(<Space />)
    void client.store.queryClient[method]()
    await pass(0)
    await pass(0)
    expect(shown()).toBe('lobby v3 current: Ada, Bob of 2')
    server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, name: 'Renewed' } }))
    await pass(0)
    expect(shown()).toBe('Renewed v4 current: Ada, Bob of 2')
  },
)

test('C138 what one person could read is gone from the cache when their client is closed', async () => {
  const queryClient = new QueryClient()
  const ada = aHookClient(queryClient)
  ada.server.serve(aLobby())
  ada.client.watchSpace('@lobby')
  ada.client.connect()
  await ada.environment.settle()
  expect(queryClient.getQueryCache().getAll()).toHaveLength(1)
  ada.client.close()
  expect(queryClient.getQueryCache().getAll()).toEqual([])
})

test('C138 a client begins with an empty store, also where another was never closed', async () => {
  const queryClient = new QueryClient()
  const ada = aHookClient(queryClient)
  ada.server.serve(aLobby())
  ada.client.watchSpace('@lobby')
  ada.client.connect()
  await ada.environment.settle()
  ada.client.disconnect()
  queryClient.setQueryData(['being', '@cy'], aBeing('@cy'))
  const bob = aClientOn(createQueryStore(queryClient))
  expect(bob.client.readSpace('@lobby').content).toBeUndefined()
  expect(queryClient.getQueryData(['being', '@cy'])).toBeUndefined()
})

function Conversation() {
  const { intentions, hasMore, older, loadOlder } = useSpaceIntentions('@lobby')
  return (
    <section>
      <p data-testid="talk">
        {intentions.map(({ author, content }) => `${author?.name ?? '?'}: ${plainText(content)}`).join(' | ')}
      </p>
      <p data-testid="more">{`${hasMore ? 'more' : 'all'} ${older.status}`}</p>
      <button type="button" onClick={loadOlder}>
        older
      </button>
    </section>
  )
}

const talk = (): string => screen.getByTestId('talk').textContent ?? ''
const more = (): string => screen.getByTestId('more').textContent ?? ''

test('C71 useSpaceIntentions names the authors, follows renames, and loads older pages into the same store', async () => {
  const log = aLobby()
  const early = anUtterance('@lobby', '@cy', 'long ago')
  const whole = log.snapshot.bind(log)
  log.snapshot = () => ({ ...whole(), hasMore: true })
  const { server, pass } = await show(<Conversation />, { log })
  expect(talk()).toBe('Bob: hello')
  expect(more()).toBe('more idle')

  let away = true
  server.route('GET /v1/spaces/@lobby/intentions', () =>
    away
      ? 'fail'
      : { status: 200, body: { intentions: [early], beings: [aBeing('@cy', { name: 'Cy' })], hasMore: false } },
  )
  screen.getByRole('button').click()
  await pass(0)
  expect(more()).toBe('more failed')
  away = false
  screen.getByRole('button').click()
  await pass(0)
  expect(talk()).toBe('Cy: long ago | Bob: hello')
  expect(more()).toBe('all idle')

  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Robert' }) }))
  await pass(0)
  expect(talk()).toBe('Cy: long ago | Robert: hello')
})

function OneBeing({ id }: { id: string }) {
  const view = useBeing(id)
  return <p data-testid={id}>{view.status === 'known' ? view.being.name : view.status}</p>
}

test('C72 useBeing follows a loaded space and looks up the others in one request', async () => {
  const parts = aHookClient()
  const log = aLobby()
  parts.server.serve(log)
  parts.server.route('GET /v1/beings', (_body, url) => ({
    status: 200,
    body: {
      beings: (url.searchParams.get('ids') ?? '')
        .split(',')
        .filter((id) => id === '@cy')
        .map((id) => aBeing(id, { name: 'Cy' })),
    },
  }))
  parts.client.watchSpace('@lobby')
  parts.client.connect()
  await parts.environment.settle()
  render(
    <RhizomProvider client={parts.client}>
      <OneBeing id="@bob" />
      <OneBeing id="@cy" />
      <OneBeing id="@nobody" />
    </RhizomProvider>,
  )
  const pass = () => act(() => parts.environment.advance(10))
  await pass()
  await pass()
  expect(['@bob', '@cy', '@nobody'].map((id) => screen.getByTestId(id).textContent)).toEqual(['Bob', 'Cy', 'unknown'])
  // Once more for the one that was missing, as an answer may end by bytes.
  expect(parts.server.requests).toHaveLength(2)
  const renamed = aBeing('@bob', { location: '@lobby', name: 'Robert' })
  parts.server.publish(log, log.write({ kind: 'being.put', body: renamed }))
  await pass()
  expect(screen.getByTestId('@bob').textContent).toBe('Robert')
})

test('C121 those that an answer left out for its size are asked for again', async () => {
  const parts = aHookClient()
  parts.server.serve(aLobby())
  parts.server.route('GET /v1/beings', (_body, url) => ({
    status: 200,
    body: {
      beings: (url.searchParams.get('ids') ?? '')
        .split(',')
        .slice(0, 2)
        .map((id) => aBeing(id, { name: id })),
    },
  }))
  parts.client.connect()
  await parts.environment.settle()
  const ids = ['@a', '@b', '@c', '@d', '@e']
  render(
    <RhizomProvider client={parts.client}>
      {ids.map((id) => (
        <OneBeing key={id} id={id} />
      ))}
    </RhizomProvider>,
  )
  for (let times = 0; times < 4; times += 1) await act(() => parts.environment.advance(10))
  expect(ids.map((id) => screen.getByTestId(id).textContent)).toEqual(ids)
  expect(parts.server.requests).toHaveLength(3)
})

function Status() {
  const status = useSyncStatus()
  return (
    <section>
      <p data-testid="shown">{`${status.status}${status.nextAttemptAtMs === undefined ? '' : ` until ${status.nextAttemptAtMs}`}`}</p>
      <button type="button" onClick={status.retry}>
        retry
      </button>
    </section>
  )
}

test('C73 useSyncStatus says what is so, and retry tries at once', async () => {
  const { server, environment, pass } = await show(<Status />)
  expect(shown()).toBe('live')
  server.script = 'refuse'
  server.connection.close(1006)
  await pass(8_000)
  expect(shown()).toMatch(/^(connecting|offline)/)
  environment.setOnline(false)
  await pass(0)
  expect(shown()).toMatch(/^offline/)
  environment.setOnline(true)
  server.script = 'serve'
  screen.getByRole('button').click()
  await pass(0)
  expect(shown()).toBe('live')
})

function Rename() {
  const mutate = useMutate()
  const pending = usePendingMutations('@lobby')
  return (
    <section>
      <p data-testid="shown">{pending.map(({ attempt, problem: why }) => `${attempt} ${why}`).join()}</p>
      <button
        type="button"
        onClick={(event) => {
          const button = event.currentTarget
          void mutate('space.update', '@lobby', { name: 'New' }).then((outcome) => {
            button.textContent = outcome.status === 'rejected' ? outcome.message : 'done'
          })
        }}
      >
        rename
      </button>
    </section>
  )
}

test('C73 useMutate hands back the outcome, and what is unanswered can be shown', async () => {
  const { server, pass } = await show(<Rename />)
  server.route('POST /v1/mutations', () => ({ status: 503, body: problem(503, 'unavailable') }))
  screen.getByRole('button').click()
  await pass(0)
  expect(shown()).toBe('1 It is unavailable.')
  server.route('POST /v1/mutations', (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({
        id,
        status: 'rejected',
        error: { code: 'forbidden', message: 'Only owners do that' },
      })),
    },
  }))
  await pass(5_000)
  expect(shown()).toBe('')
  expect(screen.getByRole('button').textContent).toBe('Only owners do that')
})

function Writer() {
  const mutate = useMutate()
  const cancel = useCancel()
  const { intentions } = useSpaceIntentions('@lobby')
  const pending = usePendingMutations()
  const refused = useRefusedMutations('@lobby')
  const keeping = useKeeping()
  usePreventUnsaved()
  const say = () =>
    void mutate(
      'intention.create',
      '@lobby',
      { id: newId(), type: 'utterance', content: ['new'] },
      { keepRefused: true },
    )
  return (
    <section>
      <p data-testid="shown">
        {intentions
          .map(({ content, pending: marks }) => `${plainText(content)}${marks === undefined ? '' : '…'}`)
          .join()}
      </p>
      <p data-testid="refused">{refused.map(({ message }) => message).join()}</p>
      <p data-testid="keeping">{keeping.status}</p>
      <button type="button" onClick={say}>
        say
      </button>
      <button type="button" onClick={() => pending.forEach(({ mutation }) => cancel(mutation.id))}>
        cancel
      </button>
    </section>
  )
}

const isAskedBeforeLeaving = (): boolean => {
  const event = new Event('beforeunload', { cancelable: true })
  window.dispatchEvent(event)
  return event.defaultPrevented
}

test('C160 what is pending is marked where it stands, cancelling takes it out, and what is refused is listed', async () => {
  const { server, pass } = await show(<Writer />)
  server.route('POST /v1/mutations', () => 'fail')
  screen.getByText('say').click()
  await pass(0)
  expect(shown()).toBe('hello,new…')
  screen.getByText('cancel').click()
  await pass(0)
  expect(shown()).toBe('hello')
  server.route('POST /v1/mutations', (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({
        id,
        status: 'rejected',
        error: { code: 'forbidden', message: 'Only members' },
      })),
    },
  }))
  await pass(20_000)
  expect(screen.getByTestId('refused').textContent).toBe('')
  screen.getByText('say').click()
  await pass(0)
  expect(shown()).toBe('hello')
  expect(screen.getByTestId('refused').textContent).toBe('Only members')
})

test('C161 where nothing is kept that is told, and whoever leaves with something unsent is asked', async () => {
  const { server, pass } = await show(<Writer />)
  expect(screen.getByTestId('keeping').textContent).toBe('not-kept')
  expect(isAskedBeforeLeaving()).toBe(false)
  server.route('POST /v1/mutations', () => 'fail')
  screen.getByText('say').click()
  await pass(0)
  expect(isAskedBeforeLeaving()).toBe(true)
  server.route('POST /v1/mutations', (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({ id, status: 'applied' })),
    },
  }))
  await pass(20_000)
  expect(isAskedBeforeLeaving()).toBe(false)
})
