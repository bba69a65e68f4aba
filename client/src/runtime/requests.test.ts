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

test('C276 whoever follows news by a stream asks for it in the address of each stream, whatever else is watched', async () => {
  const asked: string[] = []
  const environment = manualEnvironment({
    openSocket: () => {
      throw new Error('no socket here')
    },
    fetch: async (input) => {
      asked.push(input)
      const headers = { 'content-type': 'text/event-stream' }
      return new Response(new ReadableStream<Uint8Array>(), { headers })
    },
  })
  const open = eventStreamTransport({ environment, apiUrl: 'http://api.test', url: 'http://gateway.test/sse' })
  const closed: number[] = []
  const socket = open({ onOpen: () => undefined, onText: () => undefined, onClose: (code) => void closed.push(code) })
  socket.send([{ type: 'hello', protocol: 1, token: 'token' }])
  await environment.advance(100)
  socket.send([{ type: 'follow' }])
  await environment.advance(100)
  socket.send([{ type: 'subscribe', space: '@lobby' }])
  await environment.advance(100)
  socket.send([{ type: 'refresh', token: 'another' }])
  await environment.advance(100)
  expect(asked.map((address) => new URL(address).search)).toEqual([
    '',
    '?follow=1',
    '?follow=1&space=%40lobby',
    '?follow=1&space=%40lobby',
  ])
  expect(closed).toEqual([])
  socket.close()
})
