import { afterEach, expect, test, vi } from 'vitest'
import { openPageChannel } from './page-channel.ts'

const name = 'a channel of this test'
/** What another page hears. */
const other = () => {
  const channel = new BroadcastChannel(name)
  const heard: unknown[] = []
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => heard.push(data))
  return { channel, heard, say: channel.postMessage.bind(channel) }
}

afterEach(() => vi.unstubAllGlobals())

test('W89 a page that is left has no channel open, and has one again when it is back', async () => {
  const { channel, heard, say } = other()
  const own: unknown[] = []
  const page = openPageChannel(name, (message) => own.push(message))
  page.post('here')
  await vi.waitFor(() => expect(heard).toEqual(['here']))
  page.suspend()
  page.post('nobody hears it')
  say('nor this')
  page.resume()
  page.post('back')
  await vi.waitFor(() => expect(heard).toEqual(['here', 'back']))
  say('welcome')
  await vi.waitFor(() => expect(own).toEqual(['welcome']))
  page.close()
  page.resume()
  page.post('closed')
  say('goodbye')
  const late = other()
  say('last')
  await vi.waitFor(() => expect(late.heard).toEqual(['last']))
  expect(own).toEqual(['welcome'])
  expect(heard).toEqual(['here', 'back'])
  channel.close()
  late.channel.close()
})

test('W89 where there are no channels nothing breaks', () => {
  vi.stubGlobal('BroadcastChannel', () => {
    throw new DOMException('refused', 'SecurityError')
  })
  const page = openPageChannel(name)
  page.post('x')
  page.resume()
  expect(page.close()).toBeUndefined()
})
