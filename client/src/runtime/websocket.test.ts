// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { openWebSocket } from './websocket.ts'

/** The platform's socket, driven by hand. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1
  static latest: FakeSocket
  readyState = 0
  readonly sent: string[] = []
  readonly url: string
  closed = false

  constructor(url: string) {
    super()
    this.url = url
    FakeSocket.latest = this
  }

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.closed = true
  }
}

afterEach(() => vi.unstubAllGlobals())

function opened() {
  vi.stubGlobal('WebSocket', FakeSocket)
  const heard: string[] = []
  const socket = openWebSocket('ws://rhizom.test/v1/sync', {
    onOpen: () => heard.push('open'),
    onText: (text) => heard.push(text),
    onClose: (code) => heard.push(`closed ${code}`),
  })
  return { socket, platform: FakeSocket.latest, heard }
}

const closing = (code: number) => Object.assign(new Event('close'), { code, reason: '' })

test('C62 open, text and close are told once each, and text only', () => {
  const { platform, heard } = opened()
  platform.dispatchEvent(new Event('open'))
  platform.dispatchEvent(new MessageEvent('message', { data: 'hi' }))
  platform.dispatchEvent(new MessageEvent('message', { data: new ArrayBuffer(2) }))
  platform.dispatchEvent(closing(4000))
  platform.dispatchEvent(closing(4000))
  expect(heard).toEqual(['open', 'hi', 'closed 4000'])
})

test('C62 after close nothing is heard any more', () => {
  const { socket, platform, heard } = opened()
  socket.close()
  platform.dispatchEvent(new Event('open'))
  platform.dispatchEvent(new MessageEvent('message', { data: 'late' }))
  platform.dispatchEvent(closing(1006))
  expect(heard).toEqual([])
  expect(platform.closed).toBe(true)
})

test('C62 what is sent before it is open goes nowhere', () => {
  const { socket, platform } = opened()
  socket.send('early')
  platform.readyState = 1
  socket.send('in time')
  expect(platform.sent).toEqual(['in time'])
})
