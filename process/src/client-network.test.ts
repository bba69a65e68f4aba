import { expect, test } from 'vitest'
import { clientAddress, networkOf } from './client-network.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['::ffff:0:1', '0.0.0.1'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['2001:db8:0:12:aaaa:bbbb:cccc:dddd', '2001:db8:0:12::/64'],
  ['2001:DB8:0:12::1', '2001:db8:0:12::/64'],
  ['2001:0db8:0000:0012::', '2001:db8:0:12::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['[2001:db8:0:12::1]:4711', '2001:db8:0:12::/64'],
  ['[2001:db8:0:12::1]', '2001:db8:0:12::/64'],
  ['[::ffff:192.0.2.7]:1', '192.0.2.7'],
  ['not an address', 'not an address'],
])('A47 the address %s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

test('G24 X-Forwarded-For counts only as many hops as proxies are trusted', () => {
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 0)).toBe('10.0.0.1')
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 1)).toBe('2.2.2.2')
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 2)).toBe('1.1.1.1')
  expect(clientAddress('10.0.0.1', '', 1)).toBe('10.0.0.1')
  expect(clientAddress('10.0.0.1', '1.1.1.1', 3)).toBe('10.0.0.1')
})
