/** Bodies on their way to the api, over real sockets: each bounded, and all that are held at once. */
import { afterEach, expect, test, vi } from 'vitest'
import { anApi, aPage, clear, head, sendRaw, statusOf } from './testing/stage.ts'

afterEach(clear)

const post = (url: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${url}/v1/x`, { method: 'POST', body })
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

test('W27 a body up to the limit passes, one byte more is a problem document that arrives', async () => {
  const api = await anApi()
  const { url } = await aPage({ apiUrls: [api.url], maxBodyBytes: 1_000_000 })
  expect((await post(url, 'a'.repeat(1_000_000))).status).toBe(201)
  for (const bytes of [1_000_001, 5_000_000, 15_000_000]) {
    const answer = await post(url, new Uint8Array(bytes))
    expect(answer.status).toBe(413)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(await answer.json()).toMatchObject({ status: 413, code: 'too-large' })
  }
  expect(api.seen).toHaveLength(1)
})

test('W27 a body in parts is counted as it comes', async () => {
  const api = await anApi()
  const { url } = await aPage({ apiUrls: [api.url], maxBodyBytes: 1_000 })
  const parts = Array.from({ length: 30 }, () => chunked('a'.repeat(100)))
  const text = await sendRaw(url, head('POST /v1/x', 'Transfer-Encoding: chunked'), ...parts, '0\r\n\r\n').closed
  expect(statusOf(text)).toBe(413)
  expect(text).toContain('"too-large"')
  expect(api.seen).toEqual([])
})

test('W27 a body that is too large is refused before it is sent, where the sender asks first', async () => {
  const api = await anApi()
  const { url } = await aPage({ apiUrls: [api.url], maxBodyBytes: 1_000 })
  const asks = (bytes: number): string => head('POST /v1/x', 'Expect: 100-continue', `Content-Length: ${bytes}`)
  expect(statusOf(await sendRaw(url, asks(1_001)).closed)).toBe(413)
  const small = sendRaw(url, asks(5))
  await vi.waitFor(() => expect(small.text()).toContain('100 Continue'))
  small.socket.write('hello')
  expect(await small.closed).toContain('POST /v1/x hello')
  expect(statusOf(await sendRaw(url, head('POST /v1/x', 'Expect: a-miracle')).closed)).toBe(417)
})

test('W27 bodies share a bound: who comes when it is reached is told to come back, and there is room again after', async () => {
  const api = await anApi()
  const { url } = await aPage({ apiUrls: [api.url], maxBodyBytes: 1_000, maxHeldBytes: 2_500 })
  const half = (): ReturnType<typeof sendRaw> =>
    sendRaw(url, head('POST /v1/x', 'Content-Length: 1000'), 'a'.repeat(999))
  const held = [half(), half()]
  const refused = async (): Promise<number> => (await post(url, 'b'.repeat(600))).status
  await vi.waitFor(async () => expect(await refused()).toBe(503))
  const answer = await post(url, 'b'.repeat(600))
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await answer.json()).toMatchObject({ code: 'unavailable' })
  expect((await post(url, 'b'.repeat(400))).status).toBe(201)

  held[0]?.socket.write('a')
  expect(statusOf(await (held[0]?.closed ?? ''))).toBe(201)
  held[1]?.socket.destroy()
  await vi.waitFor(async () => expect((await post(url, 'c'.repeat(1_000))).status).toBe(201))
  // Had anything been counted twice or forgotten, it would show after many.
  for (let round = 0; round < 20; round += 1) expect((await post(url, 'c'.repeat(1_000))).status).toBe(201)
  expect(
    (await Promise.all([post(url, 'd'.repeat(1_000)), post(url, 'd'.repeat(1_000))])).map(({ status }) => status),
  ).toEqual([201, 201])
})
