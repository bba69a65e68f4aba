import type { PresenceEntry } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import type { PresenceRead } from '../core/presence/remote.ts'
import { orphansOf } from './orphan-cleaner.ts'

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

test('G117 all entries of a dead gateway are orphans, last seen at its last heartbeat or when they did something after it', () => {
  const { orphans, lastSeen } = orphansOf(read({ lives: [] }), 'dead')
  expect(orphans).toEqual(['@ada', '@bob', '@cyd'])
  expect([...lastSeen]).toEqual([
    ['@ada', 700],
    ['@bob', 900],
    ['@cyd', 800],
  ])
})

test('G117 a gateway that lives leaves nothing', () => {
  const nothing = { orphans: [], lastSeen: new Map() }
  expect(orphansOf(read({ dead: [], lives: [] }), 'dead')).toEqual(nothing)
  expect(orphansOf(read({ lives: [] }), 'never-heard-of')).toEqual(nothing)
})

test('G111 the entries of a former name go, and nobody leaves with them', () => {
  const { orphans, lastSeen } = orphansOf(read({ lives: ['dead'] }), 'dead')
  expect(orphans).toHaveLength(3)
  expect(lastSeen.size).toBe(0)
})
