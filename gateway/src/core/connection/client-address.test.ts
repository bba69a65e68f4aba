import { expect, test } from 'vitest'
import { clientAddress } from './client-address.ts'

test('G24 X-Forwarded-For counts only as many hops as proxies are trusted', () => {
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 0)).toBe('10.0.0.1')
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 1)).toBe('2.2.2.2')
  expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 2)).toBe('1.1.1.1')
  expect(clientAddress('10.0.0.1', '', 1)).toBe('10.0.0.1')
  expect(clientAddress('10.0.0.1', '1.1.1.1', 3)).toBe('10.0.0.1')
})
