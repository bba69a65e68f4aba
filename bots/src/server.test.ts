import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createServer } from './server.ts'

test('B60 an api that is being restarted is asked again for the conversation', async () => {
  let times = 0
  const away = createHttpServer((_request, response) => {
    times += 1
    if (times === 1) response.destroy()
    else if (times === 2) response.writeHead(503).end()
    else {
      response.writeHead(404, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ type: 'x', title: 'x', status: 404, code: 'not-found', detail: 'x' }))
    }
  })
  await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = away.address() as AddressInfo
    const server = createServer(`http://127.0.0.1:${port}`, () => 'token')
    expect(await server.snapshot('@room', new AbortController().signal)).toMatchObject({ ok: false, code: 'not-found' })
    expect(times).toBe(3)
  } finally {
    away.close()
  }
})
