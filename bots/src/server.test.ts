import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { text as textOf } from 'node:stream/consumers'
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

test('B73 what fails in a request that many share is asked again by each alone, under the same ids', async () => {
  const asked: string[][] = []
  const api = createHttpServer((request, response) => {
    void textOf(request).then((body) => {
      const ids = [...body.matchAll(/"id":"([^"]+)","space"/g)].map(([, id = '']) => id)
      asked.push(ids)
      const isBad = ids.length > 1 || body.includes('bad')
      response.writeHead(isBad ? 400 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isBad ? {} : { results: ids.map((id) => ({ id, status: 'applied' })) }))
    })
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = api.address() as AddressInfo
    const { signal } = new AbortController()
    const server = createServer(`http://127.0.0.1:${port}`, () => 'token')
    const append = (text: string) => {
      const args = { id: '0193b2a0-0000-7000-8000-000000000001', text }
      return server.mutate([{ space: '@room', name: 'intention.append', args }], signal)
    }
    const told = await Promise.allSettled(['good', 'bad', 'good'].map(append))
    expect(told.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(asked[0]).toHaveLength(3)
    expect(asked.slice(1).map(({ length }) => length)).toEqual([1, 1, 1])
    expect(new Set(asked.slice(1).flat())).toEqual(new Set(asked[0]))
  } finally {
    api.closeAllConnections()
    api.close()
  }
})
