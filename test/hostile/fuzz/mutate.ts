/**
 * Spoils what json-schema.ts drew, by chance: first the value (another type, a missing field, a boundary), then its
 * text (keys twice, raw numbers, depth, letters), then its bytes (cut, spliced, flipped). Each way has a name, which is
 * counted.
 */
import type { Chance } from '../../simulation/chance.ts'
import { anything } from './json-schema.ts'
import { nested, placesOf, withoutKeyAt, withTextAt, withValueAt } from './places.ts'

export interface Spoilt {
  /** Half surrogates and wrong UTF-8 are carried as latin1, so that each letter is one byte. */
  text: string
  encoding: 'utf8' | 'latin1'
  /** The ways it was spoilt, in their order. */
  ways: string[]
}

const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\udc00\ud800',
  '\ufeff',
  '\u202e',
  '\u2028',
  '\u0085',
  '\uffff',
  '\u0000\u0001\u001f\u007f',
  'ǅ',
  'İ',
  '𝕳𝖊𝖑𝖑𝖔',
  'e\u0301'.repeat(20),
  '👩‍👩‍👧‍👦',
  '@',
  '@A',
  '@-a',
  '@а',
  '../../etc/passwd',
  '%00',
  '${jndi:x}',
  "'; drop table spaces; --",
  '<script>',
  '{"type":"ping"}',
  '\n{"type":"ping"}\n',
] as const
const ODD_NUMBERS = [0, -0, -1, 0.1, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 2 ** 63, Number.MIN_VALUE]
const RAW_NUMBERS = [
  '1e400',
  '-1e400',
  '1E+5',
  '00',
  '01',
  '.5',
  '5.',
  '0x10',
  'NaN',
  'Infinity',
  '-',
  '1e',
  `1${'0'.repeat(400)}`,
]
const LENGTHS = [
  0, 1, 31, 32, 62, 63, 64, 65, 127, 128, 199, 200, 201, 255, 256, 1_022, 1_023, 1_024, 1_025, 4_095, 4_096, 4_097,
]
const LONG_LENGTHS = [16_384, 65_000, 65_535, 65_536, 70_000]
const PROTOTYPE_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'then',
]
const DEPTHS = [31, 32, 33, 100, 1_000, 2_000, 5_000, 20_000]

type Way<T> = readonly [name: string, weight: number, spoil: (input: T, chance: Chance) => T]

const somewhere = (value: unknown, chance: Chance) => {
  const places = placesOf(value)
  return places[chance.int(Math.min(1, places.length - 1), places.length - 1)] ?? { path: [], value }
}

const replaced = (value: unknown, chance: Chance, by: unknown): unknown =>
  withValueAt(value, somewhere(value, chance).path, by)

const withField = (value: unknown, chance: Chance, name: string, content: unknown): unknown => {
  const objects = placesOf(value).filter((place) => typeof place.value === 'object' && place.value !== null)
  const chosen = chance.pick(objects)
  if (chosen === undefined || Array.isArray(chosen.value)) return value
  // Defined and not set, so that __proto__ is a field like any other.
  const copy = Object.defineProperty({ ...Object(chosen.value) }, name, { value: content, enumerable: true })
  return withValueAt(value, chosen.path, copy)
}

const VALUE_WAYS: readonly Way<unknown>[] = [
  ['as it is', 24, (value) => value],
  ['another type', 6, (value, chance) => replaced(value, chance, anything(chance))],
  ['null', 2, (value, chance) => replaced(value, chance, null)],
  ['a field missing', 5, (value, chance) => withoutKeyAt(value, somewhere(value, chance).path)],
  ['an odd text', 6, (value, chance) => replaced(value, chance, chance.pick(ODD_TEXTS))],
  ['an odd number', 4, (value, chance) => replaced(value, chance, chance.pick(ODD_NUMBERS))],
  ['a boundary length', 4, (value, chance) => replaced(value, chance, 'x'.repeat(chance.pick(LENGTHS) ?? 0))],
  [
    'a boundary length in letters of four bytes',
    1,
    (value, chance) => replaced(value, chance, '💥'.repeat(chance.pick(LENGTHS) ?? 0)),
  ],
  ['a great length', 0.2, (value, chance) => replaced(value, chance, 'x'.repeat(chance.pick(LONG_LENGTHS) ?? 0))],
  [
    'many small items',
    0.3,
    (value, chance) =>
      replaced(
        value,
        chance,
        Array.from({ length: chance.int(100, 5_000) }, () => ''),
      ),
  ],
  [
    'many fields',
    0.3,
    (value, chance) =>
      replaced(
        value,
        chance,
        Object.fromEntries(Array.from({ length: chance.int(100, 2_000) }, (_, at) => [`k${at}`, at])),
      ),
  ],
  ['an unknown field', 3, (value, chance) => withField(value, chance, `x${chance.int(0, 99)}`, anything(chance))],
  [
    'a prototype name',
    3,
    (value, chance) => withField(value, chance, chance.pick(PROTOTYPE_NAMES) ?? '', anything(chance)),
  ],
  ['one part in place of another', 3, (value, chance) => replaced(value, chance, somewhere(value, chance).value)],
]

const TEXT_WAYS: readonly Way<{ value: unknown; text: string }>[] = [
  ['', 20, (input) => input],
  [
    'deep',
    2,
    ({ value }, chance) =>
      rawAt(value, chance, nested(chance.pick(DEPTHS) ?? 0, chance.pick(['arrays', 'objects', 'both']))),
  ],
  ['a raw number', 2, ({ value }, chance) => rawAt(value, chance, chance.pick(RAW_NUMBERS) ?? '')],
  [
    'half an escape',
    1,
    ({ value }, chance) =>
      rawAt(value, chance, chance.pick(['"\\u00"', '"\\ud800"', '"\\x41"', '"\\', '"\u0001"']) ?? ''),
  ],
  ['a key twice', 2, ({ value, text }, chance) => ({ value, text: keyTwice(text, chance) })],
  [
    'wide',
    1,
    ({ value, text }, chance) => ({
      value,
      text: text.replaceAll(/[{},:]/g, (mark) => mark + (chance.pick([' ', '\t', '\r', '  ']) ?? '')),
    }),
  ],
]

const rawAt = (value: unknown, chance: Chance, raw: string) => ({
  value,
  text: withTextAt(value, somewhere(value, chance).path, raw),
})

function keyTwice(text: string, chance: Chance): string {
  const keys = [...text.matchAll(/"[a-z]+":/gi)]
  const key = chance.pick(keys)
  if (key === undefined) return text
  const other = JSON.stringify(anything(chance)) ?? 'null'
  return `${text.slice(0, key.index)}${key[0]}${other},${text.slice(key.index)}`
}

const BYTE_WAYS: readonly Way<string>[] = [
  ['', 24, (text) => text],
  ['cut', 2, (text, chance) => text.slice(0, chance.int(0, text.length))],
  ['a part twice', 1, (text, chance) => spliced(text, chance)],
  [
    'a part missing',
    1,
    (text, chance) => {
      const at = chance.int(0, text.length)
      return text.slice(0, at) + text.slice(at + chance.int(1, 10))
    },
  ],
  [
    'letters between',
    1,
    (text, chance) =>
      inserted(text, chance, chance.pick(['\0', '\n', '\r', '"', '\\', '{', '[', ']', '\ufeff', '\u2028', ',']) ?? ''),
  ],
  [
    'another line',
    1,
    (text, chance) =>
      `${text}${'\n'.repeat(chance.int(1, 40))}${chance.pick(['', '{}', 'x', '{"type":"ping"}', text]) ?? ''}`,
  ],
  ['twice', 0.5, (text) => text + text],
]

const spliced = (text: string, chance: Chance): string => {
  const [from, to, at] = [chance.int(0, text.length), chance.int(0, text.length), chance.int(0, text.length)]
  return text.slice(0, at) + text.slice(Math.min(from, to), Math.max(from, to)) + text.slice(at)
}

const inserted = (text: string, chance: Chance, letters: string): string => {
  const at = chance.int(0, text.length)
  return text.slice(0, at) + letters + text.slice(at)
}

function choose<T>(ways: readonly Way<T>[], chance: Chance): Way<T> {
  const total = ways.reduce((sum, [, weight]) => sum + weight, 0)
  let left = chance.next() * total
  for (const way of ways) {
    left -= way[1]
    if (left < 0) return way
  }
  const [first] = ways
  if (first === undefined) throw new Error('nothing to choose from')
  return first
}

/** The text of a value, spoilt. */
export function spoil(drawn: unknown, chance: Chance): Spoilt {
  const ways: string[] = []
  const value = apply(VALUE_WAYS, drawn, chance, ways)
  const { text } = apply(TEXT_WAYS, { value, text: JSON.stringify(value) ?? 'null' }, chance, ways)
  const bytes = apply(BYTE_WAYS, text, chance, ways)
  if (!chance.happens(0.004)) return { text: bytes, encoding: 'utf8', ways }
  const raw = Buffer.from(bytes, 'utf8').toString('latin1')
  const noise = String.fromCharCode(chance.int(128, 255), chance.int(0, 255))
  return { text: inserted(raw, chance, noise), encoding: 'latin1', ways: [...ways, 'raw bytes'] }
}

function apply<T>(all: readonly Way<T>[], input: T, chance: Chance, ways: string[]): T {
  const [name, , change] = choose(all, chance)
  if (name !== '') ways.push(name)
  return change(input, chance)
}
