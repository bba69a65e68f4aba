import type { Moment } from '@rhizom/machine'
import type { PresenceEntry } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { MergedPresence } from './merged.ts'
import { type ReceivedHint, RemotePresence } from './remote.ts'

const OWN = { bootId: 'me', previousBootIds: ['me-once'] }
const at = (nowMs: number): Moment => ({ nowMs, dateMs: nowMs, random: 0.5 })
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
): ReceivedHint => ({
  range: { epoch: bootId, from, to },
  hint: { put, left: Object.fromEntries(left.map((being) => [being, 1])), formerly: [] },
})
const read = (
  parts: Record<string, Record<string, PresenceEntry>>,
  alive = Object.keys(parts),
  areLeasesTrusted = true,
) => {
  remote.readBegan()
  return remote.readDone(
    { entries: entries(parts), leases: leases(...alive), heartbeats: new Map() },
    OWN,
    areLeasesTrusted,
    at(1000),
  )
}
const here = (): string[] => [...merged.beings()].sort()

beforeEach(() => {
  merged = new MergedPresence()
  remote = new RemotePresence(merged)
  remote.readWanted()
})

describe('hints', () => {
  test('G114 those that come during a read are applied over it', () => {
    remote.readBegan()
    remote.hintReceived(hint('a', 3, 4, { '@bob': entry(4) }, ['@ada']))
    remote.readDone(
      { entries: entries({ a: { '@ada': entry(3) } }), leases: leases('a'), heartbeats: new Map() },
      OWN,
      true,
      at(0),
    )
    expect(here()).toEqual(['@bob'])
  })

  test('G116 one that is already in is not applied again', () => {
    read({ a: { '@ada': entry(7, 'new') } })
    remote.hintReceived(hint('a', 2, 5, { '@ada': entry(5, 'old'), '@bob': entry(5) }))
    expect(here()).toEqual(['@ada'])
    expect(merged.get('@ada')?.state).toEqual({ line: 'new' })
  })

  test('G114 one that follows a write which is not in has the hash read, and counts meanwhile', () => {
    read({ a: { '@ada': entry(3) } })
    remote.hintReceived(hint('a', 3, 4, { '@bob': entry(4) }))
    expect(remote.wantsRead).toBe(false)
    remote.hintReceived(hint('a', 6, 7, { '@cyd': entry(7) }))
    expect(here()).toEqual(['@ada', '@bob', '@cyd'])
    expect(remote.wantsRead).toBe(true)
    read({ a: { '@ada': entry(3) } })
    expect(here()).toEqual(['@ada'])
    remote.hintReceived(hint('a', 7, 8, { '@dan': entry(8) }))
    expect(remote.wantsRead).toBe(false)
  })

  test('G111 the first of a boot id is all it has', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.hintReceived(hint('a', 0, 9, { '@bob': entry(9) }))
    expect(here()).toEqual(['@bob'])
  })

  test('G106 one too large to be carried has the hash read', () => {
    read({ a: { '@ada': entry(3) } })
    remote.hintReceived({ range: { epoch: 'a', from: 3, to: 4 }, hint: { left: {}, formerly: [] } })
    expect(remote.wantsRead).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G112 the former self of a gateway goes when its entries are there, and nobody is missing in between', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(3) } })
    merged.takeChanged()
    remote.hintReceived({
      range: { epoch: 'b', from: 0, to: 4 },
      hint: { put: { '@ada': entry(4) }, left: {}, formerly: ['a'] },
    })
    expect(here()).toEqual(['@ada'])
    expect(merged.boots()).toEqual(['b'])
  })
})

describe('heartbeats', () => {
  test('G114 a write that stays unheard of has the hash read; one that is only late does not', () => {
    read({ a: { '@ada': entry(3) } })
    remote.headReceived('a', 3, at(0))
    expect(remote.wakesAtMs).toBeUndefined()
    remote.headReceived('a', 4, at(0))
    remote.hintReceived(hint('a', 3, 4, {}, ['@ada']))
    remote.timePassed(at(500))
    expect(remote.wantsRead).toBe(false)
    remote.headReceived('a', 5, at(600))
    remote.timePassed(at(1099))
    expect(remote.wantsRead).toBe(false)
    remote.timePassed(at(1100))
    expect(remote.wantsRead).toBe(true)
  })

  test('G114 what a read showed of a gateway is not looked for again', () => {
    read({})
    remote.headReceived('a', 5, at(0))
    remote.timePassed(at(500))
    expect(remote.wantsRead).toBe(true)
    read({}, ['a'])
    remote.headReceived('a', 5, at(600))
    expect(remote.wakesAtMs).toBeUndefined()
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
    const { orphans, lost } = read({ 'me-once': { '@ada': entry(3) } }, [], false)
    expect([...orphans]).toEqual([['me-once', ['@ada']]])
    expect(lost.size).toBe(0)
    expect(remote.isExact).toBe(true)
  })

  test('G110 whoever was here through a dead gateway was last seen at its last heartbeat, whoever looked on', () => {
    read({ a: { '@ada': entry(3) } })
    const parts = entries({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.readWanted()
    remote.readBegan()
    const heartbeats = new Map([['a', 700]])
    const { lost } = remote.readDone({ entries: parts, leases: leases(), heartbeats }, OWN, true, at(1000))
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
    remote.hintReceived(hint('a', 0, 9, { '@ada': entry(9), '@bob': entry(9) }))
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada', '@bob'])
  })

  test('G112 or until it had the time to', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({ a: { '@ada': entry(3) } })
    const dueMs = remote.wakesAtMs ?? 0
    remote.timePassed(at(dueMs))
    expect(remote.wantsRead).toBe(true)
    remote.readBegan()
    const again = { entries: entries({ a: { '@ada': entry(3) } }), leases: leases('a'), heartbeats: new Map() }
    remote.readDone(again, OWN, true, at(dueMs))
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G114 long after its return Redis is believed at once', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({})
    remote.readWanted()
    remote.hintReceived(hint('a', 0, 5, { '@ada': entry(5), '@bob': entry(5) }))
    remote.readBegan()
    const later = { entries: entries({ a: { '@ada': entry(5) } }), leases: leases('a'), heartbeats: new Map() }
    remote.readDone(later, OWN, true, at(60_000))
    expect(here()).toEqual(['@ada'])
  })

  test('G112 in doubt the missing are kept and the roster is not exact, until they are given up or heard of', () => {
    read({ a: { '@ada': entry(3) }, b: { '@bob': entry(4) } })
    read({}, [], false)
    expect(here()).toEqual(['@ada', '@bob'])
    expect(remote.isExact).toBe(false)
    remote.hintReceived({
      range: { epoch: 'b2', from: 0, to: 5 },
      hint: { put: { '@bob': entry(5) }, left: {}, formerly: ['b'] },
    })
    expect(remote.isExact).toBe(false)
    expect([...remote.gone('a', 5000)]).toEqual([['@ada', 5000]])
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@bob'])
  })

  test('G112 a gateway heard of first during a read is not doubted for not having been asked about', () => {
    remote.readBegan()
    remote.hintReceived(hint('new', 0, 1, { '@ada': entry(1) }))
    remote.readDone({ entries: entries({}), leases: leases(), heartbeats: new Map() }, OWN, false, at(0))
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G113 an answer that was overtaken changes nothing', () => {
    remote.readBegan()
    remote.lose()
    remote.readDone(
      { entries: entries({ a: { '@ada': entry(1) } }), leases: leases('a'), heartbeats: new Map() },
      OWN,
      true,
      at(0),
    )
    expect(here()).toEqual([])
    expect(remote.isExact).toBe(false)
  })
})
