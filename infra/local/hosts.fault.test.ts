/**
 * `npm start` where it listens elsewhere than usual, or cannot: a working system, or one line that names the variable.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { otherUrls, portOf, whyNotListen } from './addresses.ts'
import { until } from './until.ts'
import { type LocalStart, localStart } from './testing/local-start.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom hosts '))
const starts: LocalStart[] = []
function aStart(environment: NodeJS.ProcessEnv): LocalStart {
  const start = localStart(environment)
  starts.push(start)
  return start
}
afterAll(async () => {
  await Promise.all(starts.map(({ clear }) => clear()))
  rmSync(folder, { recursive: true, force: true })
})

/** A ping as a browser would send it (RFC 6455), and what answers it; a page that may not connect is closed instead. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
const PONG = 0x8a

/** The first byte that a socket is answered with, opened as the page at this address would. */
async function pingFrom(page: string): Promise<number> {
  const asked = request(`${page}/v1/sync`, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      Origin: new URL(page).origin,
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  asked.end()
  const [, socket, head] = (await once(asked, 'upgrade')) as [unknown, Duplex, Buffer]
  socket.write(PING)
  const [answer] = head.length > 0 ? [head] : ((await once(socket, 'data')) as [Buffer])
  socket.destroy()
  return answer[0] ?? 0
}

async function signInFrom(page: string): Promise<{ status: number; allowed: string | null }> {
  const response = await fetch(`${page}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(page).origin },
    body: JSON.stringify({ name: 'Ada' }),
  })
  return { status: response.status, allowed: response.headers.get('access-control-allow-origin') }
}

async function expectWorkingPage(page: string): Promise<void> {
  expect(await (await fetch(page)).text()).toContain('<div id="root">')
  expect(await signInFrom(page)).toEqual({ status: 201, allowed: new URL(page).origin })
  expect(await pingFrom(page)).toBe(PONG)
}

const hasVersion6 = (await whyNotListen('::1')) === undefined

describe.runIf(hasVersion6)('on an address of version 6', () => {
  test('I33 the page works there, and every part is where run.json says', async () => {
    const { start, up } = aStart({ HOST: '::1' })
    const run = await up(start())
    expect(run.web).toMatch(/^http:\/\/\[::1\]:\d+$/)
    for (const url of [...run.api, ...run.gateways]) expect((await fetch(`${url}/healthz`)).status).toBe(200)
    for (const url of run.internal) expect((await fetch(`${url}/readyz`)).status).toBe(200)
    await expectWorkingPage(run.web)
    await expect(fetch(run.web.replace('[::1]', '127.0.0.1'))).rejects.toThrow('fetch failed')
  })
})

describe('on all addresses', () => {
  test('I33 the page works by each address of this machine, which the screen names, and by no name of others', async () => {
    const { start, up } = aStart({ HOST: '0.0.0.0' })
    const launcher = start()
    const run = await up(launcher)
    const port = portOf(run.web)
    const others = otherUrls('0.0.0.0', port)
    // The summary comes after the run file.
    await until(() => others.every((url) => launcher.said().includes(url)), { withinMs: 60_000 })
    for (const url of others) expect(launcher.said()).toContain(url)
    for (const page of [run.web, `http://localhost:${port}`, ...others]) await expectWorkingPage(page)
    const foreign = await fetch(`${run.web}/v1/spaces`, { headers: { origin: 'http://evil.example' } })
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
    const asked = request(run.web, { headers: { host: `evil.example:${port}` } }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.resume().statusCode).toBe(421)
  })
})

describe('what cannot be', () => {
  writeFileSync(join(folder, 'a-file'), '')
  test.each([
    ['HOST', { HOST: '192.0.2.7' }],
    ['HOST', { HOST: 'no such host' }],
    ['HOST', { HOST: '[::1]' }],
    ['RHIZOM_LOCAL_DIR', { RHIZOM_LOCAL_DIR: join(folder, 'a-file') }],
    ['RHIZOM_LOCAL_DIR', { RHIZOM_LOCAL_DIR: join(folder, 'a-file/below') }],
    ['RHIZOM_LOCAL_DIR', { RHIZOM_LOCAL_DIR: '/proc/self/rhizom' }],
  ])('I33 I34 %s is named in one line: %j', async (variable, environment) => {
    const launcher = aStart(environment).start()
    expect(await launcher.ended).toBe(1)
    expect(launcher.said().trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`^${variable}: `))])
  })
})
