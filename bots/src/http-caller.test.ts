import { getEventListeners } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { httpCaller } from './http-caller.ts'

const PATIENT_MS = 10_000

async function withServer(listener: RequestListener, run: (url: string, connections: () => number) => Promise<void>) {
  let connections = 0
  const server = createServer(listener).on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address: AddressInfo | string | null = server.address()
    if (address === null || typeof address === 'string') throw new Error('listening on no port')
    await run(`http://127.0.0.1:${address.port}`, () => connections)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const asking = (signal: AbortSignal, withinMs = PATIENT_MS) =>
  ({ method: 'POST', headers: {}, body: '{"text":"é"}', signal, withinMs }) as const

test('B70 requests one after another go over one connection, and leave nothing at their signal', async () => {
  const echo: RequestListener = (request, response) => {
    request.pipe(response.writeHead(201))
  }
  await withServer(echo, async (url, connections) => {
    const { signal } = new AbortController()
    const http = httpCaller()
    for (let nth = 0; nth < 50; nth += 1)
      expect(await http(url, asking(signal))).toEqual({ status: 201, text: '{"text":"é"}' })
    expect(connections()).toBe(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('B70 an answer that is cut off, comes too late or is not waited for is none', async () => {
  const half: RequestListener = (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-length': '100' }).write('half of', () => {
      if (request.url === '/cut') response.destroy()
    })
  }
  await withServer(half, async (url) => {
    const http = httpCaller()
    const never = new AbortController().signal
    await expect(http(`${url}/cut`, asking(never))).rejects.toThrow()
    await expect(http(`${url}/late`, asking(never, 20))).rejects.toThrow()
    const stopped = new AbortController()
    const asked = http(`${url}/stopped`, asking(stopped.signal))
    stopped.abort()
    await expect(asked).rejects.toThrow()
    await expect(http(url, asking(stopped.signal))).rejects.toThrow()
    await expect(http('http://127.0.0.1:1', asking(never))).rejects.toThrow()
  })
})
