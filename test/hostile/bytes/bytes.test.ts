import { expect, test } from 'vitest'
import { AnswerReader, type HttpAnswer, httpRequest } from './http-bytes.ts'
import { closeFrame, OPCODE, ServerBytes, wsFrame } from './ws-bytes.ts'

test('H25 frames have the bytes of RFC 6455, for each size of their length and each way to mask', () => {
  expect([...wsFrame('Hello')]).toEqual([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('Hello')])
  const mask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
  expect(wsFrame('Hello', { mask }).toString('hex')).toBe('818537fa213d7f9f4d5158')
  expect(wsFrame('x', { mask: 'none', reserved: 5, opcode: 11, fin: false }).toString('hex')).toBe('5b0178')
  expect(wsFrame('x'.repeat(126)).subarray(0, 4).toString('hex')).toBe('81fe007e')
  expect(wsFrame('x'.repeat(65_536)).subarray(0, 10).toString('hex')).toBe('81ff0000000000010000')
  expect(wsFrame('', { claimedLength: 5 }).subarray(0, 2).toString('hex')).toBe('8185')
  expect(closeFrame(1000, 'bye').subarray(6).toString('latin1')).toBe('\u0003\u00e8bye')
})

test('H25 what a server sends is cut right, however it is split', () => {
  const told: string[] = []
  const bytes = new ServerBytes({
    upgraded: () => told.push('upgraded'),
    text: (payload) => told.push(payload),
    pong: () => told.push('pong'),
    ping: () => told.push('ping'),
    closing: (code) => told.push(`closing ${code}`),
    broken: (what) => told.push(what),
  })
  const close = Buffer.from([0x88, 2, 0x11, 0x94])
  const stream = Buffer.concat([
    Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'),
    wsFrame('a', { mask: 'none' }),
    wsFrame('b'.repeat(300), { mask: 'none' }),
    wsFrame('', { mask: 'none', opcode: OPCODE.pong }),
    close,
  ])
  for (const byte of stream) bytes.push(Buffer.of(byte))
  expect(told).toEqual(['upgraded', 'a', 'b'.repeat(300), 'pong', 'closing 4500'])
})

test('H25 answers are cut right, with a length, in chunks and without a body', () => {
  const answers: HttpAnswer[] = []
  const reader = new AnswerReader((answer) => answers.push(answer))
  const stream = Buffer.from(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 204 No Content\r\n\r\n' +
      'HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\nX-A: b:c\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n',
  )
  for (const byte of stream) reader.push(Buffer.of(byte))
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, '{}'],
    [204, ''],
    [400, 'abcd'],
  ])
  expect(answers[2]?.headers.get('x-a')).toBe('b:c')
})

test('H25 requests have the length of their body in bytes', () => {
  const request = httpRequest('h:1', { method: 'POST', path: '/x', headers: [['A', 'b']], body: 'ü' })
  expect(request.toString('latin1')).toBe(
    'POST /x HTTP/1.1\r\nHost: h:1\r\nA: b\r\nContent-Length: 2\r\n\r\n\u00c3\u00bc',
  )
})
