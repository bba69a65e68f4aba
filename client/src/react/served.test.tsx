// @vitest-environment happy-dom
/** A page that a server draws: what it draws, what goes along, and what becomes of it in a browser. */
import { act, cleanup } from '@testing-library/react'
import { QueryClient } from '@tanstack/react-query'
import { type ReactNode, StrictMode, useEffect } from 'react'
import { hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test, vi } from 'vitest'
import { textOf } from '../core/text.ts'
import { aClientOn } from '../testing/a-client.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing, anUtterance, type SpaceLog } from '../testing/space-log.ts'
import { dehydrateStore, loadSpaces } from './dehydrate-store.ts'
import { RhizomProvider } from './provider.tsx'
import { beingKey, createQueryStore } from './query-store.ts'
import { aHookClient } from './testing/a-hook-client.ts'
import { aLobby } from './testing/show.tsx'
import { useBeing } from './use-being.ts'
import { useIsLeftOut } from './use-left-out.ts'
import { useMembers, useSpaceAccess } from './use-members.ts'
import {
  useCancel,
  useForesee,
  useKeeping,
  useMutate,
  usePendingCount,
  usePendingMutations,
  usePendingOf,
  usePreventUnsaved,
  useRefusedMutations,
} from './use-mutate.ts'
import { useMarkRead, useNews, useUnread } from './use-news.ts'
import { useOwnPresence } from './use-own-presence.ts'
import { useSpacePresence } from './use-presence.ts'
import { useRhizom } from './rhizom-context.ts'
import { useReplies, useReply } from './use-replies.ts'
import { useRefusals, useSay } from './use-say.ts'
import { useSelf, useSession } from './use-self.ts'
import { useSessionEnd } from './use-session-end.ts'
import { useSignal, useTyping } from './use-signal.ts'
import { useIntention, useSpace, useSpaceIntentions, useSpacePosition } from './use-space.ts'
import { useSpaceSelector, useSpaceState } from './use-space-state.ts'
import { useSpaceStatus } from './use-space-status.ts'
import { spacesKey, useSpaces } from './use-spaces.ts'
import {
  useSuspenseBeing,
  useSuspenseIntention,
  useSuspenseSpace,
  useSuspenseSpaceIntentions,
  useSuspenseSpacePresence,
  useSuspenseSpaceSelector,
} from './use-suspended.ts'
import { useSyncStatus } from './use-sync-status.ts'
import { useWriteStatus } from './use-write-status.ts'
import { createVisitorStore, useVisitor } from './visitor.ts'
import * as everything from './index.ts'
import { typedHooks } from './typed-hooks.ts'

let root: Root | undefined
afterEach(async () => {
  await act(async () => root?.unmount())
  root = undefined
  document.body.innerHTML = ''
  cleanup()
})

const visitors = createVisitorStore()
const typed = typedHooks({ node: () => undefined, state: (state) => state })

const nothing = (): undefined => undefined

/** One call of each hook; what each says is text. */
const HOOKS: Readonly<Record<string, () => unknown>> = {
  useBeing: () => useBeing('@bob'),
  useCancel: () => typeof useCancel(),
  useForesee: () => typeof useForesee(),
  useIntention: () => useIntention('@lobby', 'x'),
  useIsLeftOut,
  useKeeping,
  useMarkRead: () => useMarkRead('@lobby', false),
  useMembers: () => useMembers('@lobby'),
  useMutate: () => typeof useMutate(),
  useNews,
  useOwnPresence: () => useOwnPresence('@lobby'),
  usePendingCount,
  usePendingMutations: () => usePendingMutations(),
  usePendingOf: () => usePendingOf(['x']),
  usePreventUnsaved,
  useRefusals: () => useRefusals('@lobby'),
  useRefusedMutations: () => useRefusedMutations('@lobby'),
  useReplies: () => useReplies('@lobby', 'x'),
  useReply: () => useReply('@lobby', 'x'),
  useRhizom: () => typeof useRhizom(),
  useSay: () => typeof useSay('@lobby'),
  useSelf,
  useSession: () => useSession().being.id,
  useSessionEnd: () => useSessionEnd(nothing),
  useSignal: () => typeof useSignal('@lobby', 'wave'),
  useSpace: () => useSpace('@lobby'),
  useSpaceAccess: () => useSpaceAccess('@lobby'),
  useSpaceIntentions: () => useSpaceIntentions('@lobby'),
  useSpacePosition: () => useSpacePosition('@lobby'),
  useSpacePresence: () => useSpacePresence('@lobby'),
  useSpaceSelector: () => useSpaceSelector('@lobby', ({ content }) => content?.beingCount),
  useSpaceState: () => useSpaceState('@lobby'),
  useSpaceStatus: () => useSpaceStatus('@lobby'),
  useSpaces: () => useSpaces(),
  useSuspenseBeing: () => useSuspenseBeing('@bob'),
  useSuspenseIntention: () => useSuspenseIntention('@lobby', 'x'),
  useSuspenseSpace: () => useSuspenseSpace('@lobby'),
  useSuspenseSpaceIntentions: () => useSuspenseSpaceIntentions('@lobby'),
  useSuspenseSpacePresence: () => useSuspenseSpacePresence('@lobby'),
  useSuspenseSpaceSelector: () => useSuspenseSpaceSelector('@lobby', ({ content }) => content?.beingCount),
  useSyncStatus,
  useTyping: () => useTyping('@lobby'),
  useUnread: () => useUnread('@lobby'),
  useVisitor: () => useVisitor(visitors),
  useWriteStatus,
  typedConversation: () => typed.useSpaceIntentions('@lobby'),
  typedPresence: () => typed.useSpacePresence('@lobby'),
}

function Say({ hook }: { hook: () => unknown }) {
  return <p>{JSON.stringify(hook())}</p>
}
/** Those hooks that were drawn over and have effects now. */
const mounted = new Set<string>()
function Mounted({ name, hook }: { name: string; hook: () => unknown }) {
  useEffect(() => void mounted.add(name), [name])
  return <Say hook={hook} />
}
const EveryHook = () => Object.entries(HOOKS).map(([name, hook]) => <Mounted key={name} name={name} hook={hook} />)

const SESSION = { token: 'token-1', expiresAt: 9e15, being: aBeing('@ada', { name: 'Ada' }) }

/** What a server does for one request. */
async function serve(children: ReactNode, log: SpaceLog): Promise<{ markup: string; dehydrated: string }> {
  const { client, server, environment } = aHookClient()
  server.serve(log)
  const loading = loadSpaces(client, ['@lobby'])
  for (let turn = 0; turn < 4; turn++) await environment.settle()
  await loading
  const markup = renderToString(<RhizomProvider client={client}>{children}</RhizomProvider>)
  const dehydrated = dehydrateStore(client)
  client.close()
  return { markup, dehydrated }
}

/** What a browser does with it. */
async function hydrate(children: ReactNode, served: { markup: string; dehydrated: string }, log: SpaceLog) {
  const complaints: unknown[] = []
  const errors = vi.spyOn(console, 'error').mockImplementation((...those: unknown[]) => void complaints.push(those))
  const server = new ScriptedServer()
  server.serve(log)
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const box = document.createElement('div')
  document.body.append(box)
  box.innerHTML = served.markup
  const before = box.innerHTML
  const page = (
    <StrictMode>
      <RhizomProvider
        session={SESSION}
        dehydrated={served.dehydrated}
        environment={environment}
        baseUrl="http://rhizom.test"
        transports={['websocket']}
      >
        {children}
      </RhizomProvider>
    </StrictMode>
  )
  /** Everything that the page showed, from the markup on. */
  const seen = [box.textContent]
  const observer = new MutationObserver(() => seen.push(box.textContent))
  observer.observe(box, { subtree: true, childList: true, characterData: true })
  await act(async () => {
    root = hydrateRoot(box, page, { onRecoverableError: (error) => complaints.push(error) })
  })
  const pass = (ms: number) =>
    act(async () => {
      await environment.advance(ms)
      await environment.settle()
    })
  const done = () => {
    observer.disconnect()
    errors.mockRestore()
  }
  return { server, box, before, seen, complaints, pass, done }
}

test('C203 a server draws with every hook there is, without a complaint', async () => {
  const exported = Object.keys(everything).filter((name) => /^use[A-Z]/.test(name))
  expect(Object.keys(HOOKS)).toEqual(expect.arrayContaining(exported))
  const { markup } = await serve(<EveryHook />, aLobby())
  expect(markup).toContain('hello')
  expect(markup).toContain('Bob')
  expect(markup.match(/<p>/g)).toHaveLength(Object.keys(HOOKS).length)
})

test('C204 every hook draws over that markup the same', async () => {
  const log = aLobby()
  mounted.clear()
  const served = await serve(<EveryHook />, log)
  const { complaints, before, done } = await hydrate(<EveryHook />, served, log)
  expect([...mounted].toSorted()).toEqual(Object.keys(HOOKS).toSorted())
  expect(complaints).toEqual([])
  expect(before).toContain('hello')
  done()
})

function Lobby() {
  const view = useSpace('@lobby')
  const { intentions } = useSpaceIntentions('@lobby')
  const { being } = useSelf()
  const name = view.status === 'ready' ? view.space.name : view.status
  return `${being.name} in ${name}: ${intentions.map(({ content, author }) => `${author?.name} ${textOf(content)}`).join()}`
}

test('C204 nothing that a server drew goes away, and the browser resumes from the position that came along', async () => {
  const log = aLobby()
  const served = await serve(<Lobby />, log)
  expect(served.markup).toBe('Ada in lobby: Bob hello')
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'meanwhile') })
  const { server, box, seen, complaints, pass, done } = await hydrate(<Lobby />, served, log)
  expect(box.textContent).toBe('Ada in lobby: Bob hello')
  for (let turn = 0; turn < 3; turn++) await pass(1)
  expect(box.textContent).toBe('Ada in lobby: Bob hello,Bob meanwhile')
  expect([...new Set(seen)]).toEqual(['Ada in lobby: Bob hello', 'Ada in lobby: Bob hello,Bob meanwhile'])
  expect(complaints).toEqual([])
  expect(server.connections).toHaveLength(1)
  const asked = server.connection.received.filter(({ type }) => type === 'subscribe')
  expect(asked).toMatchObject([{ space: '@lobby', epoch: log.epoch, after: 3 }])
  done()
})

test('C204 what people wrote cannot end the script that it stands in', async () => {
  const log = aLobby()
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', '</script><script>alert(1)</script><!--') })
  const { dehydrated } = await serve(<Lobby />, log)
  expect(dehydrated).not.toContain('<')
  const store = createQueryStore(new QueryClient(), { dehydrated })
  expect(
    store
      .read('@lobby')
      ?.content?.intentions.map(({ content }) => textOf(content))
      .at(-1),
  ).toContain('</script>')
})

test('C204 beings and lists that were read go along with when that was; what is not read, or the app keeps, does not', async () => {
  const { client } = aHookClient()
  const { queryClient } = client.store
  const zoe = aBeing('@zoe')
  queryClient.setQueryData(beingKey('@zoe'), zoe, { updatedAt: 5 })
  queryClient.setQueryData(
    spacesKey,
    { pages: [{ spaces: [], nextCursor: null }], pageParams: [null] },
    { updatedAt: 6 },
  )
  queryClient.setQueryData(['of the app'], 'secret')
  await queryClient.prefetchQuery({ queryKey: beingKey('@none'), queryFn: () => Promise.reject(new Error('away')) })
  const dehydrated = dehydrateStore(client)
  expect(dehydrated).not.toMatch(/secret|@none/)
  const there = createQueryStore(new QueryClient(), { dehydrated }).queryClient
  expect(there.getQueryState(beingKey('@zoe'))).toMatchObject({ status: 'success', data: zoe, dataUpdatedAt: 5 })
  expect(there.getQueryState(spacesKey)).toMatchObject({ data: { pages: [{ spaces: [] }] }, dataUpdatedAt: 6 })
  client.close()
})

test.each([
  '',
  'x',
  '{}',
  '{"layout":99,"spaces":{},"queries":[]}',
  '{"layout":2,"spaces":3}',
  '{"layout":2,"spaces":{},"queries":{}}',
])('C204 %j, of another release, is nothing and breaks nothing', (dehydrated) => {
  const store = createQueryStore(new QueryClient(), { dehydrated })
  expect(store.read('@lobby')).toBeUndefined()
})

test('C138 what came along is gone from the store with the client, and from the space that was left', async () => {
  const log = aLobby()
  const { dehydrated } = await serve(<Lobby />, log)
  const queryClient = new QueryClient()
  const store = createQueryStore(queryClient, { dehydrated })
  const { client, server, environment } = aClientOn(store)
  server.serve(log)
  expect(client.readSpace('@lobby').content?.position.version).toBe(3)
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  client.close()
  expect(queryClient.getQueryCache().getAll()).toEqual([])
  expect(store.read('@lobby')).toBeUndefined()
})
