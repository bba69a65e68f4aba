import { expect, test } from 'vitest'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { eventStreamTransport } from './event-stream.ts'
import { pollingTransport } from './polling.ts'

const failing = (error: Error) =>
  manualEnvironment({
    openSocket: () => {
      throw new Error('no socket here')
    },
    fetch: async () => {
      throw error
    },
  })

const CASES = [
  ['a network that fails', new TypeError('Failed to fetch'), 0],
  ['anything else', new Error('a fault of ours'), 1],
] as const

test.each(CASES)('C83 %s under a transport ends it, and is reported or not', async (_what, error, reports) => {
  for (const transport of ['stream', 'polling'] as const) {
    const environment = failing(error)
    const parts = { environment, apiUrl: 'http://api.test', url: 'http://gateway.test/v1/sync/sse' }
    const open = transport === 'stream' ? eventStreamTransport(parts) : pollingTransport(parts)
    const codes: number[] = []
    const socket = open({
      onOpen: () => undefined,
      onText: () => undefined,
      onClose: (code) => void codes.push(code),
    })
    socket.send([{ type: 'hello', protocol: 1, token: 'token' }])
    socket.send([{ type: 'subscribe', space: '@lobby' }])
    await environment.advance(60_000)
    expect(codes).toEqual([1006])
    expect(environment.reports.length > 0 ? 1 : 0).toBe(transport === 'stream' ? reports : 0)
  }
})
