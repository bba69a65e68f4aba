// @vitest-environment happy-dom
/** The hooks of news in a real tree, over a scripted server. */
import { act, cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { aHookClient } from './testing/a-hook-client.ts'
import { aBeing, anUtterance, SpaceLog } from '../testing/space-log.ts'
import { RhizomProvider } from './provider.tsx'
import { useMarkRead, useNews, useUnread } from './use-news.ts'

afterEach(() => {
  cleanup()
  sight('visible')
})

function sight(state: 'visible' | 'hidden'): void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
  document.dispatchEvent(new Event('visibilitychange'))
}

async function show(children: ReactNode) {
  const parts = aHookClient()
  const { server, environment } = parts
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Bob' }) })
  server.serve(log)
  server.news = { '@lobby': { version: 1, unread: 2, mentions: 1 } }
  server.route('PUT /v1/spaces/@lobby/read', (body) => ({
    status: 200,
    body: { version: Reflect.get(Object(body), 'version'), unread: 0, mentions: 0 },
  }))
  render(<RhizomProvider client={parts.client}>{children}</RhizomProvider>)
  const pass = (ms: number) =>
    act(async () => {
      await environment.advance(ms)
      await environment.settle()
      await environment.settle()
    })
  const marks = (): unknown[] => server.requests.flatMap(({ method, body }) => (method === 'PUT' ? [body] : []))
  return { ...parts, log, pass, marks }
}

function Unread() {
  const news = useNews()
  const unread = useUnread('@lobby')
  return <p data-testid="shown">{`${news.status} ${news.spaces.size} ${unread?.unread} ${unread?.mentions}`}</p>
}

function Reader({ isEndInView }: { isEndInView: boolean }) {
  useMarkRead('@lobby', isEndInView)
  return null
}

const shown = (): string => screen.getByTestId('shown').textContent ?? ''

test('C274 useNews and useUnread show what is unread, without a space being watched', async () => {
  const { server, pass } = await show(<Unread />)
  expect(shown()).toBe('loading 0 undefined undefined')
  await vi.waitFor(async () => {
    await pass(0)
    expect(shown()).toBe('known 1 2 1')
  })
  server.connection.send({ type: 'news', spaces: { '@lobby': null } })
  await pass(0)
  expect(shown()).toBe('known 0 undefined undefined')
})

test('C275 useMarkRead marks what is in view while the page is visible, and what comes, and nothing else', async () => {
  sight('hidden')
  const { server, log, pass, marks } = await show(<Reader isEndInView />)
  await pass(10_000)
  expect(marks()).toEqual([])
  act(() => sight('visible'))
  await vi.waitFor(async () => {
    await pass(0)
    expect(marks()).toEqual([{ version: 1 }])
  })
  // A change that says nothing is no reason.
  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Robert' }) }))
  await pass(5_000)
  expect(marks()).toHaveLength(1)
  server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') }))
  await pass(5_000)
  expect(marks().at(-1)).toEqual({ version: 3 })
})

test('C275 what is not in view is not marked', async () => {
  const { pass, marks } = await show(<Reader isEndInView={false} />)
  await pass(10_000)
  expect(marks()).toEqual([])
})
