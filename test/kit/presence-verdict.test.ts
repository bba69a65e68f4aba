import { presenceField } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { compareFields, compareStates, inWords, type Difference, isExact, wasAway } from './presence-verdict.ts'

const expected = new Map<string, unknown>([
  ['@ada', { mood: 'away' }],
  ['@bob', {}],
])

test('F27 a list that is exactly who is here gives no finding', () => {
  expect(isExact(compareStates(expected, new Map([...expected].toReversed())))).toBe(true)
})

test.each<[string, keyof Difference, [string, unknown][]]>([
  ['a ghost', 'ghosts', [...expected, ['@cleo', {}]]],
  ['somebody missing', 'missing', [['@ada', { mood: 'away' }]]],
  [
    'a wrong state',
    'wrong',
    [
      ['@ada', {}],
      ['@bob', {}],
    ],
  ],
  ['a state of before', 'wrong', [...expected, ['@ada', { mood: 'busy' }]]],
])('F27 %s in a list is found', (_name, kind, listed) => {
  const difference = compareStates(expected, new Map(listed))
  expect(difference[kind]).toHaveLength(1)
  expect(isExact(difference)).toBe(false)
})

/** Ada is here through two gateways, Bob through one of them. */
const parts = [new Set(['@ada', '@bob']), new Set(['@ada'])]
const fields = [presenceField('one', '@ada'), presenceField('one', '@bob'), presenceField('two', '@ada')]
const leases = new Set(['one', 'two', 'three'])

test('F27 fields that are exactly those of living gateways give no finding, in whatever order', () => {
  expect(isExact(compareFields(parts, fields.toReversed(), leases))).toBe(true)
  expect(isExact(compareFields(parts.toReversed(), fields, leases))).toBe(true)
})

test.each<[string, keyof Difference, string[], ReadonlySet<string>]>([
  ['an orphan', 'ghosts', [...fields, presenceField('dead', '@ada')], leases],
  ['a ghost at a living gateway', 'ghosts', [...fields, presenceField('two', '@cleo')], leases],
  ['one more entry of somebody who is here', 'ghosts', [...fields, presenceField('three', '@bob')], leases],
  ['a missing entry', 'missing', fields.slice(1), leases],
  ['an entry without a lease', 'missing', fields, new Set(['one'])],
  [
    'an entry of another gateway',
    'wrong',
    [presenceField('one', '@ada'), presenceField('two', '@bob'), presenceField('three', '@ada')],
    leases,
  ],
  ['a field that is none of ours', 'wrong', [...fields, 'nonsense'], leases],
])('F27 %s in Redis is found', (_name, kind, stored, living) => {
  expect(compareFields(parts, stored, living)[kind]).toHaveLength(1)
})

test('F28 S21 who is covered by one span or another was not away, and an absence counts from its least length on', () => {
  const covered = [
    { from: 40, to: Number.POSITIVE_INFINITY },
    { from: 0, to: 20 },
    { from: 15, to: 30 },
  ]
  expect(wasAway(covered, { from: 1, to: 29 }, 0)).toBe(false)
  expect(wasAway(covered, { from: 1, to: 30 }, 10)).toBe(true)
  expect(wasAway(covered, { from: 1, to: 50 }, 11)).toBe(false)
  expect(wasAway(covered, { from: 35, to: 50, begins: true }, 0)).toBe(false)
  expect(wasAway([], { from: 5, to: 5 }, 1_000_000)).toBe(true)
})

test('F27 a difference is told in words, by its kinds, and an exact list in none', () => {
  expect(inWords(compareStates(expected, new Map([['@cleo', {}]])))).toBe('ghosts: @cleo; missing: @ada, @bob')
  expect(inWords(compareStates(expected, expected))).toBeUndefined()
})
