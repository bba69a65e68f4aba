import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PRINTED, printChecks } from '../../print/print-checks.ts'
import { encodeFrame, parseValue } from '../codec.ts'
import { parseServerLine } from '../server-frame.ts'
import { type Check, checkValue, Fault } from './check.ts'
import * as printed from './printed.ts'
import { isChangeKind, readServerLine } from './server-line.ts'
import { arbitraryOf, spoilt } from './testing/arbitrary-of.ts'

const isCheck = (value: unknown): value is Check<unknown> => typeof value === 'function'
const checks = new Map<string, unknown>(Object.entries(printed))

function checked(name: string, value: unknown) {
  const check = checks.get(`${name}Check`)
  if (!isCheck(check)) throw new Error(`${name} is not printed`)
  return checkValue(check, value)
}

/** As the formatter leaves a text, apart from where it breaks lines. */
const withoutLayout = (text: string): string => text.replaceAll(/,(?=\s*[)\]}])/g, '').replaceAll(/[\s'"]/g, '')

test('P45 the checks are those of the schemas (node protocol/print/print.ts rewrites them)', () => {
  const text = readFileSync(new URL('printed.ts', import.meta.url), 'utf8')
  expect(withoutLayout(text)).toBe(withoutLayout(printChecks()))
})

test.each([...PRINTED])('P45 the check of %s says what the schema says of a value', (name, schema) => {
  const values = arbitraryOf(schema)
  let accepted = 0
  const compare = (value: unknown): void => {
    const expected = parseValue(schema, value)
    const actual = checked(name, value)
    if (expected.ok) {
      accepted += 1
      expect(actual).toStrictEqual(expected)
    } else expect(actual).toMatchObject({ ok: false, ...(expected.path === undefined ? {} : { path: expected.path }) })
  }
  fc.assert(fc.property(values, compare), { numRuns: 100 })
  expect(accepted).toBeGreaterThan(5)
  fc.assert(fc.property(values.chain(spoilt), compare), { numRuns: 200 })
})

test('P45 a frame of a type that is not known is ignored, and one that is not understood is a problem', () => {
  fc.assert(
    fc.property(arbitraryOf(PRINTED.get('serverFrame')).chain(spoilt), (frame) => {
      const line = JSON.stringify(frame) ?? ''
      const [read, parsed] = [readServerLine(line), parseServerLine(line)]
      expect(read.ok ? read : { ok: false }).toStrictEqual(parsed.ok ? parsed : { ok: false })
    }),
  )
  for (const type of ['reaction', 'constructor', '__proto__'])
    expect(readServerLine(encodeFrame({ type }))).toEqual({ ok: true, value: { type: 'ignored', unknownType: type } })
  expect(['being.put', 'poll.put', 'constructor'].map(isChangeKind)).toEqual([true, false, false])
})

test('P45 a fault names its place', () => {
  expect(checked('beingsAnswer', { beings: [7] })).toEqual({
    ok: false,
    problem: 'must be an object',
    path: 'beings.0',
  })
  expect(new Fault('no', [1]).below('a').path).toEqual(['a', 1])
})
