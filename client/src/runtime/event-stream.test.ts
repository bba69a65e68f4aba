import { afterEach, expect, test, vi } from 'vitest'
import { aClient } from '../testing/a-client.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { eventStreamTransport } from './event-stream.ts'
import { takeStreamPlace } from './stream-place.ts'

afterEach(() => vi.unstubAllGlobals())

test.each([
  ['has no place left for a stream', async () => undefined],
  ['cannot say whether it has one', () => Promise.reject(new DOMException('no', 'SecurityError'))],
])('C318 where the browser %s, none is asked for and the api is polled', async (_what, takePlace) => {
  const { client, server, environment } = aClient({ transports: ['sse', 'polling'] })
  environment.takeStreamPlace = takePlace
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
  stream.close()
  await environment.settle()
  expect(given).toBe(2)
  environment.fetch = () => Promise.reject(new TypeError('away'))
  let ended = 0
  const failing = open({ ...handlers, onClose: () => void (ended += 1) })
  arrive()
  await environment.settle()
  failing.send([{ type: 'hello', protocol: 1, token: 'token-1' }])
  await environment.advance(1_000)
  expect([ended, given]).toEqual([1, 3])
  failing.close()
  expect([ended, given]).toEqual([1, 3])
})

/** What a browser gives its tabs: a lock is held until what was asked for under it settles. */
function locksOfABrowser() {
  const held = new Set<string>()
  async function request(
    name: string,
    { ifAvailable }: { ifAvailable?: boolean },
    run: (lock: object | null) => unknown,
  ): Promise<void> {
    if (held.has(name)) return ifAvailable === true ? void (await run(null)) : new Promise(() => undefined)
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
