/** What comes compressed, and what does not: files in their two forms, answers of nodes, streams of events. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { createPageFiles } from './page-files.ts'
import { anApi, aPage, clear, head, sendRaw, statusOf } from './testing/stage.ts'

const page = mkdtempSync(join(tmpdir(), 'rhizom compressed page '))
mkdirSync(join(page, 'assets'))
afterAll(() => rmSync(page, { recursive: true }))
afterEach(clear)

/** As the build leaves a file: beside it the same compressed. */
function build(name: string, text: string, atSeconds: number): void {
  for (const [path, bytes] of [
    [name, Buffer.from(text)],
    [`${name}.gz`, gzipSync(text)],
  ] as const) {
    writeFileSync(join(page, path), bytes)
    utimesSync(join(page, path), atSeconds, atSeconds)
  }
}

async function ask(url: string, path: string, ...headers: string[]) {
  const answer = await sendRaw(url, head(`GET ${path}`, ...headers)).closed
  const [lines = '', ...rest] = answer.split('\r\n\r\n')
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(lines)?.[1]?.trim()
  return { status: statusOf(answer), header, body: Buffer.from(rest.join('\r\n\r\n'), 'latin1') }
}

const GZIP = 'Accept-Encoding: gzip, br'

test.each(['/', '/assets/a-1b.js'])(
  'W163 %s, changed by a build, is sent anew in either form, compressed once, and each form has a tag of its own',
  async (path) => {
    const name = path === '/' ? 'index.html' : path.slice(1)
    const { url } = await aPage({}, { sendPage: createPageFiles(page) })
    build(name, 'former()\n'.repeat(500), 1_000_000)
    const [packed, plain] = [await ask(url, path, GZIP), await ask(url, path)]
    const [packedTag, plainTag] = [packed.header('etag') ?? '', plain.header('etag') ?? '']
    expect(packedTag).not.toBe(plainTag)
    expect(gunzipSync(packed.body).toString()).toBe('former()\n'.repeat(500))
    for (const [tag, ...form] of [[packedTag, GZIP], [plainTag]] as const) {
      const again = await ask(url, path, `If-None-Match: ${tag}`, ...form)
      expect([again.status, again.body.length, again.header('vary')]).toEqual([304, 0, 'Accept-Encoding'])
    }
    build(name, 'later()\n'.repeat(500), 2_000_000)
    const changed = await ask(url, path, `If-None-Match: ${packedTag}`, GZIP)
    expect([changed.status, changed.header('content-encoding'), changed.header('vary')]).toEqual([
      200,
      'gzip',
      'Accept-Encoding',
    ])
    expect(gunzipSync(changed.body).toString()).toBe('later()\n'.repeat(500))
    const changedPlain = await ask(url, path, `If-None-Match: ${plainTag}`)
    expect([changedPlain.status, changedPlain.header('content-encoding')]).toEqual([200, undefined])
    expect(changedPlain.body.toString()).toBe('later()\n'.repeat(500))
    expect(changed.header('etag')).not.toBe(packedTag)
  },
)

test('W163 what a node compressed passes through as it came, with its tag and what it varies by', async () => {
  const bytes = gzipSync(JSON.stringify({ many: 'words '.repeat(1_000) }))
  const said = { 'content-encoding': 'gzip', 'content-length': bytes.length, etag: '"a1"', vary: 'Accept-Encoding' }
  const api = await anApi((_request, response) => void response.writeHead(200, said).end(bytes))
  const { url } = await aPage({ apiUrls: [api.url] })
  const answer = await ask(url, '/v1/spaces', GZIP)
  expect(answer.body.equals(bytes)).toBe(true)
  for (const [name, value] of Object.entries(said)) expect(answer.header(name)).toBe(String(value))
  expect(api.seen[0]?.request.headers['accept-encoding']).toBe('gzip, br')
})

test('W163 a stream of events is not compressed, and each is there when it was said', async () => {
  let say = (_event: string): void => undefined
  const gateway = await anApi((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' })
    say = (event) => void response.write(`data: ${event}\n\n`)
    say('first')
  })
  const { url } = await aPage({ gatewayUrls: [gateway.url] })
  const stream = sendRaw(url, head('GET /v1/sync/sse', 'Accept: text/event-stream', GZIP))
  await vi.waitFor(() => expect(stream.text()).toContain('data: first'), 30_000)
  say('second')
  await vi.waitFor(() => expect(stream.text()).toContain('data: second'), 30_000)
  expect(stream.text()).not.toMatch(/content-encoding/i)
  expect(stream.text()).toMatch(/cache-control: no-cache, no-transform\r\n/i)
})
