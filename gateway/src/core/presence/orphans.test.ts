import type { PresenceEntry } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { orphansOf, lastSeenThrough, type PresenceRead } from './remote.ts'

const entry = (since: number, setAt = 0): PresenceEntry => ({ state: {}, since, setAt, rev: 1 })
const read = (leases: Record<string, string[]>): PresenceRead => ({
  entries: new Map([
    [
      'dead',
      new Map([
        ['@ada', entry(100)],
        ['@bob', entry(900)],
        ['@cyd', entry(100, 800)],
      ]),
    ],
    ['lives', new Map([['@bob', entry(50)]])],
  ]),
  leases: new Map(Object.entries(leases)),
  heartbeats: new Map([['dead', 700]]),
})

test('G117 all entries of a dead gateway are orphans; lost is who has none under a living one', () => {
  const { orphans, lost } = orphansOf(read({ lives: [] }), 'dead')
  expect(orphans).toEqual(['@ada', '@bob', '@cyd'])
  expect([...lost]).toEqual([
    ['@ada', 700],
    ['@cyd', 800],
  ])
})

test('G117 an entry under another dead gateway keeps nobody here', () => {
  expect([...orphansOf(read({}), 'dead').lost.keys()]).toEqual(['@ada', '@bob', '@cyd'])
})

test('G117 a gateway that lives leaves nothing', () => {
  expect(orphansOf(read({ dead: [], lives: [] }), 'dead')).toEqual({ orphans: [], lost: new Map() })
  expect(orphansOf(read({ lives: [] }), 'never-heard-of')).toEqual({ orphans: [], lost: new Map() })
})

test('G111 the entries of a former name go, and nobody leaves with them', () => {
  const { orphans, lost } = orphansOf(read({ lives: ['dead'] }), 'dead')
  expect(orphans).toHaveLength(3)
  expect(lost.size).toBe(0)
})

test('G117 somebody was last seen at the last heartbeat, or when it came or did something after it', () => {
  expect([...lastSeenThrough(read({}).entries.get('dead') ?? new Map(), 700)]).toEqual([
    ['@ada', 700],
    ['@bob', 900],
    ['@cyd', 800],
  ])
})
