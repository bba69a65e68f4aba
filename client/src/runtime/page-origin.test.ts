import { afterEach, expect, test, vi } from 'vitest'
import { createClient } from '../client.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing } from '../testing/space-log.ts'

afterEach(() => void vi.unstubAllGlobals())

const session = { token: 't', expiresAt: 2 ** 43, being: aBeing('@ada') }

test('C184 without an address the client speaks to where its page came from, and where there is no page says so', async () => {
  expect(() => createClient({ session })).toThrow('say with baseUrl where the server is')
  expect(() => createClient({ session, apiUrl: 'http://api.test', syncUrl: 'ws://sync.test' })).not.toThrow()
  vi.stubGlobal('location', { origin: 'https://page.test' })
  const urls: string[] = []
  const server = new ScriptedServer()
  const openSocket: typeof server.openSocket = (url, handlers) => {
    urls.push(url)
    return server.openSocket(url, handlers)
  }
  const environment = manualEnvironment({ openSocket, fetch: server.fetch })
  const client = createClient({ session, environment })
  client.connect()
  await environment.advance(1_000)
  expect(urls[0]).toBe('wss://page.test/v1/sync')
  client.close()
})
