import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { namesIn, originsFor, otherUrls, urlFor, whyNotListen } from './addresses.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:5173'],
  ['localhost', 'http://localhost:5173'],
  ['::1', 'http://[::1]:5173'],
  ['::', 'http://127.0.0.1:5173'],
  ['0.0.0.0', 'http://127.0.0.1:5173'],
  ['2001:db8::7', 'http://[2001:db8::7]:5173'],
])('I33 a part that listens on %s is called at %s', (host, url) => {
  expect(urlFor(host, 5_173)).toBe(url)
  expect(new URL(url).port).toBe('5173')
})

test.each(['127.0.0.1', '::1', 'localhost'])(
  'I33 the page on %s may be opened by each name of this machine',
  (host) => {
    expect(originsFor(host, '5173')).toEqual(['http://127.0.0.1:5173', 'http://localhost:5173', 'http://[::1]:5173'])
  },
)

test('I33 the page on all addresses may be opened by each of them, and on one by that one', () => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `http://${address}:5173`)
  expect(originsFor('0.0.0.0', '5173')).toEqual(expect.arrayContaining([...own, 'http://127.0.0.1:5173']))
  expect(otherUrls('0.0.0.0', '5173')).toEqual(own)
  expect(otherUrls('127.0.0.1', '5173')).toEqual([])
  expect(originsFor('192.0.2.7', '80')).toEqual(['http://192.0.2.7'])
  expect(originsFor('Machine.Example', '5173')).toEqual(['http://machine.example:5173'])
})

test('I33 the names in a list of origins are told, and that it allows any', () => {
  expect(namesIn('http://127.0.0.1:5173, https://chat.example,http://[::1]:1')).toBe('127.0.0.1,chat.example,[::1]')
  expect(namesIn('http://a.example,*')).toBeUndefined()
  expect(namesIn('')).toBe('')
})

test('I33 a host of another machine, or of none, is found out', async () => {
  expect(await whyNotListen('127.0.0.1')).toBeUndefined()
  expect(await whyNotListen('192.0.2.7')).toBe('EADDRNOTAVAIL')
  expect(await whyNotListen('no such host')).toMatch(/^E/)
})
