import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { besidePort, internalAddress } from './internal-address.ts'

const settings = { PORT: 4000, HOST: '127.0.0.1', INTERNAL_PORT: undefined, INTERNAL_HOST: undefined }

test('N60 the internal port is 1000 above the public one, on its host, unless a setting says otherwise', async () => {
  expect(await internalAddress(settings, 4000)).toEqual({ host: '127.0.0.1', port: 5000 })
  expect(await internalAddress({ ...settings, INTERNAL_PORT: 7 }, 4000)).toEqual({ host: '127.0.0.1', port: 7 })
  expect(await internalAddress({ ...settings, INTERNAL_PORT: 0 }, 4000)).toEqual({ host: '127.0.0.1', port: 0 })
  expect(await internalAddress({ ...settings, INTERNAL_HOST: '::1' }, 4000)).toEqual({ host: '::1', port: 5000 })
})

test('N60 beside a port that is too high it is a free one', async () => {
  expect(besidePort(64_535)).toBe(65_535)
  for (const port of [64_536, 65_535]) {
    expect(besidePort(port)).toBeUndefined()
    expect(await internalAddress({ ...settings, PORT: port }, port)).toEqual({ host: '127.0.0.1', port: 0 })
  }
})

test('N60 beside a port that the system chose it is a free one where its neighbour is taken', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const beside = address.port - 1000
  expect(await internalAddress({ ...settings, PORT: 0 }, beside)).toEqual({ host: '127.0.0.1', port: 0 })
  // Whoever names a port relies on where its neighbour is.
  expect(await internalAddress({ ...settings, PORT: beside }, beside)).toEqual({
    host: '127.0.0.1',
    port: address.port,
  })
  await new Promise((resolve) => taken.close(resolve))
})
