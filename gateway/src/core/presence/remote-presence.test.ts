import type { PresenceEntry } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { MergedPresence } from './merged-presence.ts'
import { type HeardHint, RemotePresence } from './remote-presence.ts'

const OWN = { bootId: 'me', formerly: ['me-once'] }
let merged: MergedPresence
let remote: RemotePresence

const entry = (rev: number, line = '', since = 1): PresenceEntry => ({ state: { line }, since, setAt: rev, rev })
const entries = (parts: Record<string, Record<string, PresenceEntry>>) =>
  new Map(Object.entries(parts).map(([boot, beings]) => [boot, new Map(Object.entries(beings))] as const))
const leases = (...boots: string[]) => new Map(boots.map((boot) => [boot, []] as const))
const hint = (
  bootId: string,
  from: number,
  to: number,
  put: Record<string, PresenceEntry>,
  left: string[] = [],
): HeardHint => ({
  bootId,
  from,
  to,
  hint: { put, left: Object.fromEntries(left.map((being) => [being, 1])), formerly: [] },
})
const read = (parts: Record<string, Record<string, PresenceEntry>>, alive = Object.keys(parts), isDoubtful = false) => {
  remote.readBegan()
  return remote.readDone({ entries: entries(parts), leases: leases(...alive), beats: new Map() }, OWN, isDoubtful, 1000)
}
const here = (): string[] => [...merged.beings()].sort()

beforeEach(() => {
  merged = new MergedPresence()
  remote = new RemotePresence(merged)
  remote.wantRead()
})

describe('hints', () => {
  test('G114 those that come during a read are applied over it', () => {
    remote.readBegan()
    remote.heard(hint('a', 3, 4, { '@bob': entry(4) }, ['@ada']))
    remote.readDone(
      { entries: entries({ a: { '@ada': entry(3) } }), leases: leases('a'), beats: new Map() },
      OWN,
      false,
      0,
    )
    expect(here()).toEqual(['@bob'])
  })

  test('G116 one that is already in is not applied again', () => {
    read({ a: { '@ada': entry(7, 'new') } })
    remote.heard(hint('a', 2, 5, { '@ada': entry(5, 'old'), '@bob': entry(5) }))
    expect(here()).toEqual(['@ada'])
    expect(merged.get('@ada')?.state).toEqual({ line: 'new' })
  })

  test('G114 one that follows a write which is not in has the hash read, and counts meanwhile', () => {
    read({ a: { '@ada': entry(3) } })
    remote.heard(hint('a', 3, 4, { '@bob': entry(4) }))
    expect(remote.wantsRead).toBe(false)
    remote.heard(hint('a', 6, 7, { '@cyd': entry(7) }))
    expect(here()).toEqual(['@ada', '@bob', '@cyd'])
    expect(remote.wantsRead).toBe(true)
    read({ a: { '@ada': entry(3) } })
    expect(here()).toEqual(['@ada'])
    remote.heard(hint('a', 7, 8, { '@dan': entry(8) }))
    expect(remote.wantsRead).toBe(false)
  })

  test('G111 the first of a boot id is all it has', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.heard(hint('a', 0, 9, { '@bob': entry(9) }))
    expect(here()).toEqual(['@bob'])
  })

  test('G106 one too large to be carried has the hash read', () => {
    read({ a: { '@ada': entry(3) } })
    remote.heard({ bootId: 'a', from: 3, to: 4, hint: { left: {}, formerly: [] } })
    expect(remote.wantsRead).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G112 the former self of a gateway goes when its entries are there, and nobody is missing in between', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(3) } })
    merged.takeChanged()
    remote.heard({ bootId: 'b', from: 0, to: 4, hint: { put: { '@ada': entry(4) }, left: {}, formerly: ['a'] } })
    expect(here()).toEqual(['@ada'])
    expect(merged.boots()).toEqual(['b'])
  })
})

describe('heartbeats', () => {
  test('G114 a write that stays unheard of has the hash read; one that is only late does not', () => {
    read({ a: { '@ada': entry(3) } })
    remote.beatHeard('a', 3, 0)
    expect(remote.wakesAt).toBeUndefined()
    remote.beatHeard('a', 4, 0)
    remote.heard(hint('a', 3, 4, {}, ['@ada']))
    remote.tick(500)
    expect(remote.wantsRead).toBe(false)
    remote.beatHeard('a', 5, 600)
    remote.tick(1099)
    expect(remote.wantsRead).toBe(false)
    remote.tick(1100)
    expect(remote.wantsRead).toBe(true)
  })

  test('G114 what a read showed of a gateway is not looked for again', () => {
    read({})
    remote.beatHeard('a', 5, 0)
    remote.tick(500)
    expect(remote.wantsRead).toBe(true)
    read({}, ['a'])
    remote.beatHeard('a', 5, 600)
    expect(remote.wakesAt).toBeUndefined()
  })
})

describe('reads', () => {
  test('G110 entries without a lease do not count, and are to be removed', () => {
    const { orphans, lost } = read(
      { a: { '@ada': entry(3) }, dead: { '@bob': entry(9, '', 4), '@cyd': entry(1, '', 6) } },
      ['a'],
    )
    expect(here()).toEqual(['@ada'])
    expect([...orphans]).toEqual([['dead', ['@bob', '@cyd']]])
    expect([...lost]).toEqual([
      ['@bob', 9],
      ['@cyd', 6],
    ])
  })

  test('G111 our own former entries go, and nobody is mourned', () => {
    const { orphans, lost } = read({ 'me-once': { '@ada': entry(3) } }, [], true)
    expect([...orphans]).toEqual([['me-once', ['@ada']]])
    expect(lost.size).toBe(0)
    expect(remote.isExact).toBe(true)
  })

  test('G110 whoever was here through a dead gateway was last seen at its last heartbeat, whoever looked on', () => {
    read({ a: { '@ada': entry(3) } })
    const parts = entries({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.wantRead()
    remote.readBegan()
    const beats = new Map([['a', 700]])
    const { lost } = remote.readDone({ entries: parts, leases: leases(), beats }, OWN, false, 1000)
    expect([...lost]).toEqual([
      ['@ada', 700],
      ['@bob', 700],
    ])
  })

  test('G112 who is missing in the first read after Redis was away is kept until its gateway has said it again', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({ a: { '@ada': entry(3) } })
    expect(here()).toEqual(['@ada', '@bob'])
    expect(remote.isExact).toBe(false)
    remote.heard(hint('a', 0, 9, { '@ada': entry(9), '@bob': entry(9) }))
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada', '@bob'])
  })

  test('G112 or until it had the time to', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({ a: { '@ada': entry(3) } })
    const at = remote.wakesAt ?? 0
    remote.tick(at)
    expect(remote.wantsRead).toBe(true)
    remote.readBegan()
    const again = { entries: entries({ a: { '@ada': entry(3) } }), leases: leases('a'), beats: new Map() }
    remote.readDone(again, OWN, false, at)
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G114 long after its return Redis is believed at once', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({})
    remote.wantRead()
    remote.heard(hint('a', 0, 5, { '@ada': entry(5), '@bob': entry(5) }))
    remote.readBegan()
    const later = { entries: entries({ a: { '@ada': entry(5) } }), leases: leases('a'), beats: new Map() }
    remote.readDone(later, OWN, false, 60_000)
    expect(here()).toEqual(['@ada'])
  })

  test('G112 in doubt the missing are kept and the roster is not exact, until they are given up or heard of', () => {
    read({ a: { '@ada': entry(3) }, b: { '@bob': entry(4) } })
    read({}, [], true)
    expect(here()).toEqual(['@ada', '@bob'])
    expect(remote.isExact).toBe(false)
    remote.heard({ bootId: 'b2', from: 0, to: 5, hint: { put: { '@bob': entry(5) }, left: {}, formerly: ['b'] } })
    expect(remote.isExact).toBe(false)
    expect([...remote.gone('a', 5000)]).toEqual([['@ada', 5000]])
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@bob'])
  })

  test('G112 a gateway heard of first during a read is not doubted for not having been asked about', () => {
    remote.readBegan()
    remote.heard(hint('new', 0, 1, { '@ada': entry(1) }))
    remote.readDone({ entries: entries({}), leases: leases(), beats: new Map() }, OWN, true, 0)
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G113 an answer that was overtaken changes nothing', () => {
    remote.readBegan()
    remote.lose()
    remote.readDone(
      { entries: entries({ a: { '@ada': entry(1) } }), leases: leases('a'), beats: new Map() },
      OWN,
      false,
      0,
    )
    expect(here()).toEqual([])
    expect(remote.isExact).toBe(false)
  })
})
