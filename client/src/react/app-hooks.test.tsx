// @vitest-environment happy-dom
/** The hooks that any app needs: who one is, which spaces, saying, members, one's own presence, and how it stands. */
import { act, cleanup, render, screen } from '@testing-library/react'
import { QueryClient } from '@tanstack/react-query'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { memoryStorage, saveSession, SESSION_KEY } from '../runtime/storage.ts'
import { problem, type ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing } from '../testing/space-log.ts'
import { aLobby, show } from './testing/show.tsx'
import { useMembers, useSpaceAccess } from './use-members.ts'
import { usePendingCount, usePendingOf } from './use-mutate.ts'
import { useOwnPresence } from './use-own-presence.ts'
import { useRefusals, useSay } from './use-say.ts'
import { useSelf, useSession } from './use-self.ts'
import { useSpace, useSpaceIntentions } from './use-space.ts'
import { useSpaceStatus } from './use-space-status.ts'
import { useSpaces } from './use-spaces.ts'
import { useWriteStatus } from './use-write-status.ts'
import { createVisitorStore, useVisitor } from './visitor.ts'

afterEach(cleanup)

const shown = (): string => screen.getByTestId('shown').textContent ?? ''

interface Sent {
  mutations: { id: string; name: string; args: Record<string, unknown> }[]
}
const applyAll = (server: ScriptedServer): Sent[] => {
  const sent: Sent[] = []
  server.route('POST /v1/mutations', (body) => {
    const { mutations } = body as Sent
    sent.push({ mutations })
    return { status: 200, body: { results: mutations.map(({ id }) => ({ id, status: 'applied' })) } }
  })
  return sent
}
const refuseAll = (server: ScriptedServer): void =>
  server.route('POST /v1/mutations', (body) => ({
    status: 200,
    body: {
      results: (body as Sent).mutations.map(({ id }) => ({
        id,
        status: 'rejected',
        error: { code: 'forbidden', message: 'Not here' },
      })),
    },
  }))

function Self() {
  const { being, current, problem: why, retry } = useSelf()
  return (
    <button type="button" data-testid="shown" onClick={retry}>
      {`${useSession().being.id} ${being.name} ${current ? 'known' : (why ?? 'as then')}`}
    </button>
  )
}

test('C207 useSelf is oneself as the others see it, and before that is known as one was', async () => {
  let isAway = true
  const { server, pass } = await show(<Self />, {
    prepare: (parts) =>
      parts.server.route('GET /v1/beings', () =>
        isAway
          ? { status: 403, body: problem(403, 'forbidden') }
          : { status: 200, body: { beings: [aBeing('@ada', { name: 'Ada L.' })] } },
      ),
  })
  expect(shown()).toBe('@ada Ada as then')
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('@ada Ada It is forbidden.')
    },
    { timeout: 20_000 },
  )
  isAway = false
  screen.getByRole('button').click()
  for (let turn = 0; turn < 3; turn++) await pass(10)
  expect(shown()).toBe('@ada Ada L. known')
  expect(server.requests.length).toBeGreaterThan(1)
})

test('C207 a space that oneself is in follows every rename', async () => {
  function Both() {
    useSpaceIntentions('@lobby')
    return <Self />
  }
  const { server, log, pass } = await show(<Both />)
  await pass(10)
  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Countess' }) }))
  await pass(10)
  expect(shown()).toBe('@ada Countess known')
})

test('C208 a visitor is kept, and each tab follows when another signs out, in, or is at an end', () => {
  const storage = memoryStorage()
  const ada = { token: 't', expiresAt: 9e15, being: aBeing('@ada') }
  const bob = { token: 'b', expiresAt: 9e15, being: aBeing('@bob') }
  const [here, there] = [createVisitorStore(storage), createVisitorStore(storage)]
  const replaced: string[] = []
  there.onReplaced((next) => replaced.push(`${there.current().status} → ${next.status}`))
  function Who() {
    const visitor = useVisitor(there)
    const name = visitor.status === 'signed-in' ? visitor.session.being.id : (visitor.ended?.reason ?? 'nobody')
    return <p data-testid="shown">{name}</p>
  }
  const tell = () => void window.dispatchEvent(new StorageEvent('storage', { key: SESSION_KEY }))
  render(<Who />)
  expect(shown()).toBe('nobody')
  act(() => {
    here.signIn(ada)
    tell()
  })
  expect(shown()).toBe('@ada')
  here.renewed({ ...bob, token: 'not hers' })
  expect(createVisitorStore(storage).current()).toEqual({ status: 'signed-in', session: ada })
  here.renewed({ ...ada, token: 'renewed' })
  act(tell)
  expect(createVisitorStore(storage).current()).toMatchObject({ session: { token: 'renewed' } })
  act(() => {
    here.end({ name: 'Ada', reason: 'It ran out.' })
    tell()
  })
  expect(shown()).toBe('It ran out.')
  expect(createVisitorStore(storage).current()).toEqual({
    status: 'signed-out',
    ended: { name: 'Ada', reason: 'It ran out.' },
  })
  act(() => {
    here.signIn(bob)
    tell()
  })
  act(() => {
    here.signOut()
    tell()
  })
  expect(shown()).toBe('nobody')
  expect(replaced).toEqual([
    'signed-out → signed-in',
    'signed-in → signed-out',
    'signed-out → signed-in',
    'signed-in → signed-out',
  ])
  saveSession(storage, ada)
  act(() => void window.dispatchEvent(new StorageEvent('storage', { key: 'another' })))
  expect(shown()).toBe('nobody')
})

function Spaces() {
  const { status, spaces, problem: why, hasMore, loadMore } = useSpaces()
  return (
    <button type="button" data-testid="shown" onClick={loadMore}>
      {`${status} ${spaces.map(({ name }) => name).join()} ${why ?? ''}${hasMore ? '…' : ''}`}
    </button>
  )
}

test('C209 useSpaces lists page by page; those that are open are among them, as they are now', async () => {
  const log = aLobby()
  const row = (name: string) => ({ ...log.space, id: `@${name.toLowerCase()}`, name })
  const { server, client, pass } = await show(<Spaces />, {
    log,
    prepare: (parts) =>
      parts.server.route('GET /v1/spaces', (_body, url) => ({
        status: 200,
        body: url.searchParams.has('cursor')
          ? { spaces: [row('Cave')], nextCursor: null }
          : { spaces: [row('Attic'), row('Barn')], nextCursor: 'next' },
      })),
  })
  await pass(10)
  expect(shown()).toBe('ready Attic,Barn …')
  screen.getByRole('button').click()
  await pass(10)
  expect(shown()).toBe('ready Attic,Barn,Cave ')
  const stop = client.watchSpace('@lobby')
  await pass(10)
  expect(shown()).toBe('ready Attic,Barn,Cave,lobby ')
  server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, name: 'Hall' } }))
  await pass(10)
  expect(shown()).toBe('ready Attic,Barn,Cave,Hall ')
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'removed', message: 'gone' })
  await pass(10)
  expect(shown()).toBe('ready Attic,Barn,Cave ')
  stop()
})

test('C209 C319 the list is read again when the connection is back, says why it cannot be, and soon that it can again', async () => {
  const log = aLobby()
  let names = ['First']
  const { server, pass, client } = await show(<Spaces />, {
    log,
    prepare: (parts) =>
      parts.server.route('GET /v1/spaces', () => ({
        status: 200,
        body: { spaces: names.map((name) => ({ ...log.space, id: `@${name.toLowerCase()}`, name })), nextCursor: null },
      })),
  })
  await pass(10)
  expect(shown()).toBe('ready First ')
  names = ['First', 'Second']
  server.connection.close(1006)
  await pass(20_000)
  await pass(10)
  expect(shown()).toBe('ready First,Second ')
  server.route('GET /v1/spaces', () => ({ status: 403, body: problem(403, 'forbidden') }))
  void client.store.queryClient.invalidateQueries()
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('failed First,Second It is forbidden.')
    },
    { timeout: 20_000 },
  )
  // The connection was there all the time, and nobody asks for it.
  const body = { spaces: [{ ...log.space, id: '@third', name: 'Third' }], nextCursor: null }
  server.route('GET /v1/spaces', () => ({ status: 200, body }))
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('ready Third ')
    },
    { timeout: 15_000 },
  )
})

function Talk() {
  const { intentions } = useSpaceIntentions('@lobby')
  const say = useSay('@lobby', { keepRefused: true })
  const refusals = useRefusals('@lobby')
  const pending = usePendingOf(intentions.at(-1)?.pending)
  return (
    <>
      <p data-testid="shown">{`${pending?.attempt ?? 'none'} ${usePendingCount()}`}</p>
      <button type="button" onClick={() => void say('mine')}>
        say
      </button>
      {refusals.map(({ id, text, message, code, retry, drop }) => (
        <p key={id}>
          <button type="button" onClick={retry}>{`${code}: ${message} “${text}”`}</button>
          <button type="button" onClick={drop}>
            drop
          </button>
        </p>
      ))}
    </>
  )
}

test('C210 what is said is seen waiting where it stands; what is refused can be retried or dropped', async () => {
  const { server, client, pass } = await show(<Talk />)
  server.route('POST /v1/mutations', () => 'fail')
  screen.getByText('say').click()
  await pass(10)
  expect(shown()).toBe('1 1')
  refuseAll(server)
  await pass(20_000)
  expect(shown()).toBe('none 0')
  const [first] = client.refusedMutations()
  const sent = applyAll(server)
  screen.getByText('forbidden: Not here “mine”').click()
  await pass(10)
  const again = sent[0]?.mutations[0]
  expect(again).toMatchObject({ name: 'intention.create', args: { content: ['mine'] } })
  expect(again?.id).not.toBe(first?.mutation.id)
  expect(first?.mutation.args).not.toHaveProperty('id', again?.args['id'])
  expect(client.refusedMutations()).toEqual([])
  refuseAll(server)
  screen.getByText('say').click()
  await pass(10)
  screen.getByText('drop').click()
  await pass(10)
  expect(client.refusedMutations()).toEqual([])
})

function Access({ enters = false }: { enters?: boolean }) {
  const { members, isKnown } = useMembers('@lobby')
  const { role, isHere, canWrite, enter, entering, problem: why } = useSpaceAccess('@lobby', { enters })
  const list = members.map(({ being, entity, role: theirs }) => `${entity?.name ?? being} ${theirs}`).join()
  return (
    <button type="button" data-testid="shown" onClick={enter}>
      {`${isKnown ? list : 'unknown'} | ${role ?? 'no member'} ${isHere ? 'here' : 'away'} ${canWrite ? 'writes' : 'reads'} ${entering ? 'entering' : ''}${why ?? ''}`}
    </button>
  )
}

test('C211 members with their roles, owners first, and whether oneself may write', async () => {
  const log = aLobby()
  log.write({ kind: 'being.remove', body: { id: '@ada' } })
  log.write({ kind: 'member.put', body: { being: '@ada', role: 'viewer' } })
  log.write({ kind: 'member.put', body: { being: '@bob', role: 'owner' } })
  const { server, pass } = await show(<Access />, {
    log,
    prepare: (parts) =>
      parts.server.route('GET /v1/beings', () => ({
        status: 200,
        body: { beings: [aBeing('@ada', { name: 'Ada' })] },
      })),
  })
  for (let turn = 0; turn < 3; turn++) await pass(10)
  expect(shown()).toBe('Bob owner,Ada viewer | viewer away reads ')
  server.publish(log, log.write({ kind: 'member.put', body: { being: '@ada', role: 'member' } }))
  await pass(10)
  expect(shown()).toBe('Bob owner,Ada member | member away writes ')
  server.publish(log, log.write({ kind: 'member.remove', body: { id: '@ada' } }))
  await pass(10)
  expect(shown()).toBe('Bob owner | no member away writes ')
  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) }))
  server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, posting: 'members' } }))
  await pass(10)
  expect(shown()).toBe('Bob owner | no member here reads ')
  server.publish(log, log.write({ kind: 'member.put', body: { being: '@ada', role: 'member' } }))
  server.publish(log, log.write({ kind: 'being.remove', body: { id: '@ada' } }))
  await pass(10)
  refuseAll(server)
  screen.getByRole('button').click()
  await pass(10)
  expect(shown()).toBe('Bob owner,Ada member | member away writes Not here')
})

test('C211 one enters once, after what waits, and not again', async () => {
  const log = aLobby()
  log.write({ kind: 'being.remove', body: { id: '@ada' } })
  const { server, pass, draw } = await show(<Access enters />, {
    log,
    prepare: ({ server: those, client }) => {
      those.route('POST /v1/mutations', () => 'fail')
      void client.mutate('being.update', null, { id: '@ada', name: 'Ada' })
    },
  })
  await pass(10)
  const sent = applyAll(server)
  await pass(20_000)
  expect(sent.map(({ mutations }) => mutations.map(({ name }) => name))).toEqual([['being.update'], ['being.move']])
  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) }))
  await pass(10)
  expect(shown()).toContain('here writes')
  server.publish(log, log.write({ kind: 'being.remove', body: { id: '@ada' } }))
  await draw(<Access enters />)
  await pass(10)
  expect(shown()).toContain('away writes')
  expect(sent).toHaveLength(2)
})

function Own() {
  useSpace('@lobby')
  const [state, set] = useOwnPresence('@lobby')
  return (
    <button type="button" data-testid="shown" onClick={() => void set({ mood: 'curious' })}>
      {JSON.stringify(state)}
    </button>
  )
}

test('C212 own presence is what the others see, from whichever screen it was set', async () => {
  const { server, pass } = await show(<Own />)
  expect(shown()).toBe('{}')
  screen.getByRole('button').click()
  await pass(10)
  expect(shown()).toBe('{"mood":"curious"}')
  const other = { being: '@ada', state: { mood: 'tired' }, since: 1 }
  server.tellPresence('@lobby', { joined: [other], hereCount: 1 })
  await pass(10)
  expect(shown()).toBe('{"mood":"tired"}')
})

function Status() {
  const { status, reason, pendingCount, retry } = useSpaceStatus('@lobby')
  return (
    <button type="button" data-testid="shown" onClick={retry}>
      {`${status} ${reason ?? ''} ${pendingCount}`}
    </button>
  )
}

test('C213 one space is loading, current, stale or closed, with what of oneself waits there', async () => {
  const { server, client, pass } = await show(<Status />, { prepare: ({ server: those }) => (those.script = 'ignore') })
  expect(shown()).toBe('loading  0')
  server.script = 'serve'
  await pass(15_000)
  expect(shown()).toBe('current  0')
  server.route('POST /v1/mutations', () => 'fail')
  void client.mutate('space.update', '@lobby', { name: 'x' })
  server.script = 'ignore'
  server.connection.close(1006)
  await pass(10)
  expect(shown()).toBe('stale  1')
  server.script = 'serve'
  await pass(30_000)
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'revoked', message: 'No longer' })
  await pass(10)
  expect(shown()).toMatch(/^closed No longer/)
  screen.getByRole('button').click()
  await pass(10)
  expect(shown()).toMatch(/^current/)
})

function Writing() {
  const view = useWriteStatus()
  return <p data-testid="shown">{view.status === 'open' ? 'open' : `${view.status} ${view.reason}`}</p>
}

test('C214 an hour in which no gateway doubts the api costs no question; a doubt is looked into at once', async () => {
  // What a query does now and then.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  let isAway = false
  const { server, client, pass } = await show(<Writing />, {
    queryClient: new QueryClient(),
    prepare: (parts) =>
      parts.server.route('GET /v1/sessions/current', () =>
        isAway
          ? { status: 503, body: problem(503, 'unavailable') }
          : { status: 200, body: { being: aBeing('@ada'), expiresAt: 9e15 } },
      ),
  })
  const asked = () => server.requests.filter(({ path }) => path === '/v1/sessions/current').length
  const beat = (apiAway?: boolean) => server.connection.send({ type: 'heartbeat', at: 1, heads: {}, apiAway })
  await vi.waitFor(() => expect(asked()).toBe(1))
  for (let beats = 0; beats < 180; beats++) {
    beat()
    await pass(20_000)
    vi.advanceTimersByTime(20_000)
  }
  expect(asked()).toBe(1)
  beat(true)
  await vi.waitFor(async () => {
    await pass(10)
    expect(asked()).toBe(2)
    expect(shown()).toBe('open')
  })
  isAway = true
  beat(true)
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('unreachable It is unavailable.')
    },
    { timeout: 20_000 },
  )
  expect(client.syncStatus().status).toBe('live')
})

test('C214 the server is asked whether it takes what is written, though the gateway is there; what waits tells it too', async () => {
  let isAway = true
  const { server, client, pass } = await show(<Writing />, {
    queryClient: new QueryClient(),
    prepare: (parts) =>
      parts.server.route('GET /v1/sessions/current', () =>
        isAway
          ? { status: 503, body: problem(503, 'unavailable') }
          : { status: 200, body: { being: aBeing('@ada'), expiresAt: 9e15 } },
      ),
  })
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('unreachable It is unavailable.')
    },
    { timeout: 20_000 },
  )
  expect(client.syncStatus().status).toBe('live')
  isAway = false
  await vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe('open')
    },
    { timeout: 20_000 },
  )
  server.route('POST /v1/mutations', () => ({ status: 503, body: problem(503, 'unavailable') }))
  void client.mutate('space.update', '@lobby', { name: 'x' })
  await pass(10)
  expect(shown()).toBe('waiting It is unavailable.')
  applyAll(server)
  await pass(20_000)
  expect(shown()).toBe('open')
})
