import { afterEach, expect, test, vi } from 'vitest'
import { aClient } from '../testing/a-client.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { eventStreamTransport } from './event-stream.ts'
import { takeStreamPlace } from './stream-place.ts'

afterEach(() => vi.unstubAllGlobals())

test('C318 where the browser has no place left for a stream, none is asked for and the api is polled', async () => {
  const { client, server, environment } = aClient({ transports: ['sse', 'polling'] })
  environment.takeStreamPlace = async () => undefined
  server.route('GET /v1/sessions/current', () => ({ status: 200, body: { being: { id: '@ada' }, expiresAt: 1 } }))
  client.connect()
  await vi.waitFor(
    async () => {
      await environment.advance(500)
      expect(client.syncStatus().status).toBe('polling')
    },
    { timeout: 20_000 },
  )
  expect(server.requests.filter(({ path }) => path.includes('/sse'))).toEqual([])
  client.close()
})

test('C318 a place is given back once, whether the stream ends, is closed, or was closed before there was one', async () => {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  let given = 0
  let arrive = (): void => undefined
  environment.takeStreamPlace = () =>
    new Promise((resolve) => {
      arrive = () => resolve(() => void (given += 1))
    })
  const open = eventStreamTransport({ environment, url: 'http://rhizom.test/v1/sync/sse', apiUrl: '' })
  const opened: string[] = []
  const handlers = { onOpen: () => void opened.push('open'), onText: () => undefined, onClose: () => undefined }
  const early = open(handlers)
  early.close()
  arrive()
  await environment.settle()
  expect([given, opened]).toEqual([1, []])
  const stream = open(handlers)
  arrive()
  await environment.settle()
  expect([given, opened]).toEqual([1, ['open']])
  stream.close()
  await environment.settle()
  expect(given).toBe(2)
})

/** What a browser gives its tabs: a lock is held until what was asked for under it settles. */
function locksOfABrowser() {
  const held = new Set<string>()
  async function request(name: string, _options: unknown, run: (lock: object | null) => unknown): Promise<void> {
    if (held.has(name)) return void (await run(null))
    held.add(name)
    await run({ name })
    held.delete(name)
  }
  return { held, request }
}

test('C318 all tabs of a browser have two places together, and one that is given back is there for the next', async () => {
  const locks = locksOfABrowser()
  vi.stubGlobal('navigator', { locks })
  const [first, second, third] = [await takeStreamPlace(), await takeStreamPlace(), await takeStreamPlace()]
  expect([first, second].every((release) => release !== undefined)).toBe(true)
  expect(third).toBeUndefined()
  first?.()
  await vi.waitFor(() => expect(locks.held.size).toBe(1))
  expect(await takeStreamPlace()).toBeDefined()
  expect(await takeStreamPlace()).toBeUndefined()
})

test('C318 where a browser has no locks, or refuses them, a stream takes its chance or is none', async () => {
  vi.stubGlobal('navigator', {})
  expect(await takeStreamPlace()).toBeDefined()
  vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } })
  await expect(takeStreamPlace()).rejects.toThrow('no')
})
