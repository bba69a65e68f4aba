/** Where a gateway finds the internal part of an api, over real HTTP. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Trouble } from '@rhizom/process'
import { afterEach, expect, test } from 'vitest'
import { LogServer, TEST_INTERNAL_TOKEN } from '../testing/log-server.ts'
import { createApiClient } from './client.ts'
import { type ApiPlace, apiPlaces } from './internal-places.ts'

const servers: { stop(): unknown }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function serving(listener: RequestListener): Promise<string> {
  const made: Server = createServer(listener)
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  servers.push({ stop: () => made.close() })
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

const NOT_FOUND = JSON.stringify({ status: 404, code: 'not-found', detail: 'there is nothing at this path' })
/** What an api answers at its public port. */
const publicPort = (): Promise<string> => serving((_, response) => response.writeHead(404).end(NOT_FOUND))
const someOther = (status: number): Promise<string> => serving((_, response) => response.writeHead(status).end('hello'))
const ofAnother = (): Promise<string> =>
  serving((_, response) => response.writeHead(401).end(JSON.stringify({ code: 'not-authenticated' })))

async function anApi(): Promise<LogServer> {
  const server = await new LogServer().start()
  servers.push(server)
  return server
}

const NOBODY = 'http://127.0.0.1:1'

function asking(...addresses: [string, ...string[]]) {
  const troubles: (Trouble | undefined)[] = []
  const place: ApiPlace = { variable: 'API_URL', addresses }
  const client = createApiClient({
    ...{ places: [place], internalToken: TEST_INTERNAL_TOKEN, timeoutMs: 5_000, maxConcurrent: 3 },
    installation: () => undefined,
    asked: (trouble) => troubles.push(trouble),
  })
  return { client, troubles }
}

test('G151 the internal port is looked for 1000 above each API_URL and there itself, or where API_INTERNAL_URL says', () => {
  expect(apiPlaces(['http://a.test:4000', 'https://b.test/base', 'http://c.test:65000'], undefined)).toEqual([
    { variable: 'API_URL', addresses: ['http://a.test:5000', 'http://a.test:4000'] },
    { variable: 'API_URL', addresses: ['https://b.test:1443/base', 'https://b.test/base'] },
    { variable: 'API_URL', addresses: ['http://c.test:65000'] },
  ])
  expect(apiPlaces(['http://a.test:4000'], ['http://b.test:9', 'http://c.test:9'])).toEqual([
    { variable: 'API_INTERNAL_URL', addresses: ['http://b.test:9'] },
    { variable: 'API_INTERNAL_URL', addresses: ['http://c.test:9'] },
  ])
})

test('G151 it is found at either address in the first question, whatever else answers at the other, and kept', async () => {
  const api = await anApi()
  const others = [NOBODY, await publicPort(), await someOther(200), await someOther(404), await ofAnother()]
  for (const other of others)
    for (const addresses of [[other, api.url] as const, [api.url, other] as const]) {
      const { client, troubles } = asking(...addresses)
      for (let times = 0; times < 3; times++) expect((await client.heads([])).type, other).toBe('answered')
      expect(troubles).toEqual([undefined, undefined, undefined])
    }
})

test('G151 an api that moves from one to the other is found again', async () => {
  let isInternal = true
  const [one, two] = [await anApi(), await anApi()]
  const through = (target: LogServer, serves: () => boolean): RequestListener => {
    return (request, response) => {
      if (!serves()) return response.writeHead(404).end(NOT_FOUND)
      const headers = { authorization: `Bearer ${TEST_INTERNAL_TOKEN}`, 'content-type': 'application/json' }
      return void fetch(`${target.url}${request.url}`, { method: 'POST', headers, body: '{"spaces":[]}' })
        .then((answer) => answer.text())
        .then((text) => response.end(text))
    }
  }
  const { client } = asking(
    await serving(through(one, () => isInternal)),
    await serving(through(two, () => !isInternal)),
  )
  for (const next of [false, true, true]) {
    expect((await client.heads([])).type).toBe('answered')
    isInternal = next
  }
  expect([one.asked.length, two.asked.length]).toEqual([2, 1])
})

test.each([
  ['nobody', async () => [NOBODY, NOBODY] as const, 'API_URL: the api is not reached'],
  ['only a public port', async () => [NOBODY, await publicPort()] as const, 'which API_INTERNAL_URL names'],
  ['another server', async () => [NOBODY, await someOther(200)] as const, 'API_URL: what answers there is no api'],
  ['one of another token', async () => [await ofAnother(), await publicPort()] as const, 'INTERNAL_TOKEN: the api'],
])('G151 where there is %s the trouble says so', async (_, addresses, reason) => {
  const { client, troubles } = asking(...(await addresses()))
  expect((await client.heads([])).type).toBe('failed')
  expect(troubles[0]?.reason).toContain(reason)
})
