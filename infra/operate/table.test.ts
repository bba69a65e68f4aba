import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tableOf } from './table.ts'

test('I92 rows are a table, with dates, sizes and dashes', () => {
  const rows = [
    { id: '@ada', owners: ['@a', '@b'], bytes: 1_234_567, at: 0, isAlive: true },
    { id: '@b', owners: [], bytes: 12, at: null, isAlive: false },
  ]
  expect(tableOf(rows, ['id', 'owners', 'bytes', 'at', 'isAlive', 'lacking'])).toBe(
    [
      'id    owners   bytes  at                   isAlive  lacking',
      '@ada  @a @b   1.2 MB  1970-01-01 00:00:00  true     –',
      '@b    –         12 B  –                    false    –',
    ].join('\n'),
  )
})

test('I92 nothing that people call themselves moves the cursor, turns words round or breaks a line', () => {
  const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u001b[2J', '\u202eevil', 'a\r\nb', '\u2028'))
  fc.assert(
    fc.property(name, (given) => {
      const table = tableOf([{ id: '@eve', name: given }], ['id', 'name'])
      expect(table.split('\n')).toHaveLength(2)
      expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
  )
})
