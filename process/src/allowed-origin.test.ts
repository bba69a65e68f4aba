import { expect, test } from 'vitest'
import { isOriginAllowed } from './allowed-origin.ts'

const cases: readonly [string, string, readonly string[], boolean][] = [
  ['', 'rhizom.test', [], true],
  ['https://rhizom.test', 'rhizom.test', [], true],
  ['http://localhost:5173', 'LOCALHOST:5173', [], true],
  ['http://localhost:5173', 'localhost:4100', [], false],
  ['https://evil.test', 'rhizom.test', [], false],
  ['null', 'rhizom.test', [], false],
  ['https://rhizom.test', '', [], false],
  ['https://a.test', 'rhizom.test', ['https://a.test'], true],
  ['https://rhizom.test', 'rhizom.test', ['https://a.test'], false],
  ['https://any.test', 'rhizom.test', ['*'], true],
  ['', 'rhizom.test', ['https://a.test'], true],
]
test('G23 a page may connect from its own host or a listed origin, a client without origin always', () => {
  for (const [origin, host, allowed, expected] of cases)
    expect(isOriginAllowed(origin, host, allowed), `${origin} at ${host}`).toBe(expected)
})
