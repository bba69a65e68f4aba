import type { Moment } from '@rhizom/machine'
import type { PresenceEntry, PresenceHint } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Trust } from './lease.ts'
import { MergedPresence } from './merged.ts'
import { type PresenceRead, type ReceivedHint, RemotePresence } from './remote.ts'

type Parts = Record<string, Record<string, PresenceEntry>>

const OWN = { bootId: 'me', previousBootIds: ['me-once'] }
const at = (nowMs: number): Moment => ({ nowMs, dateMs: nowMs, random: 0.5 })
let merged: MergedPresence
let remote: RemotePresence
let readSeq: number

const entry = (rev: number, line = '', since = 1): PresenceEntry => ({ state: { line }, since, setAt: rev, rev })
const entries = (parts: Parts) =>
  new Map(Object.entries(parts).map(([boot, beings]) => [boot, new Map(Object.entries(beings))] as const))
const found = (parts: Parts, alive: readonly string[] = Object.keys(parts)): PresenceRead => ({
  entries: entries(parts),
  leases: new Map(alive.map((boot) => [boot, []] as const)),
  heartbeats: new Map(),
})
const hint = (
  epoch: string,
  from: number,
  to: number,
  put: Record<string, PresenceEntry> | undefined,
  left: string[] = [],
  formerly: string[] = [],
): ReceivedHint => {
  const told: PresenceHint = { left: Object.fromEntries(left.map((being) => [being, 1])), formerly }
  return { range: { epoch, from, to }, hint: put === undefined ? told : { ...told, put } }
}
/** Whether the hash is to be read now. */
const hear = (...args: Parameters<typeof hint>): boolean => {
  remote.hintReceived(hint(...args))
  return remote.isReadDue
}
const begin = (): void => {
  readSeq = remote.beginRead()
}
/** Gateways that are no more and have entries. */
const done = (read: PresenceRead, trust: Trust = 'leases') => remote.readAnswered(readSeq, read, OWN, trust)
const read = (parts: Parts, alive?: readonly string[], trust: Trust = 'leases') => {
  begin()
  return done(found(parts, alive), trust)
}
const isReadDueAt = (nowMs: number): boolean => {
  remote.timePassed(at(nowMs))
  return remote.isReadDue
}
const here = (): string[] => [...merged.beings()].sort()

beforeEach(() => {
  merged = new MergedPresence()
  remote = new RemotePresence(merged)
})

describe('hints', () => {
  test('G114 those that come during a read are applied over it', () => {
    begin()
    expect(hear('a', 3, 4, { '@bob': entry(4) }, ['@ada'])).toBe(false)
    done(found({ a: { '@ada': entry(3) } }))
    expect(remote.isReadDue).toBe(false)
    expect(here()).toEqual(['@bob'])
  })

  test('G116 one that is already in is not applied again', () => {
    read({ a: { '@ada': entry(7, 'new') } })
    hear('a', 2, 5, { '@ada': entry(5, 'old'), '@bob': entry(5) })
    expect(here()).toEqual(['@ada'])
    expect(merged.get('@ada')?.state).toEqual({ line: 'new' })
  })

  test('G114 one that follows a write which is not in has the hash read, and counts meanwhile', () => {
    read({ a: { '@ada': entry(3) } })
    expect(hear('a', 3, 4, { '@bob': entry(4) })).toBe(false)
    expect(hear('a', 6, 7, { '@cyd': entry(7) })).toBe(true)
    expect(here()).toEqual(['@ada', '@bob', '@cyd'])
    // A copy of what was missing comes late: what is in is newer.
    hear('a', 5, 6, { '@old': entry(6) })
    expect(here()).toEqual(['@ada', '@bob', '@cyd'])
    read({ a: { '@ada': entry(3) } })
    expect(here()).toEqual(['@ada'])
    expect(hear('a', 7, 8, { '@dan': entry(8) })).toBe(false)
  })

  test('G114 one that shows a gap while a read is under way has another read follow it', () => {
    read({ a: { '@ada': entry(3) } })
    begin()
    expect(hear('a', 6, 7, { '@cyd': entry(7) })).toBe(false)
    done(found({ a: { '@ada': entry(3) } }))
    expect(remote.isReadDue).toBe(true)
    read({ a: { '@cyd': entry(7) } })
    expect(remote.isReadDue).toBe(false)
    expect(here()).toEqual(['@cyd'])
  })

  test('G111 the first of a boot id is all it has', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    hear('a', 0, 9, { '@bob': entry(9) })
    expect(here()).toEqual(['@bob'])
  })

  test('G106 one too large to be carried has the hash read', () => {
    read({ a: { '@ada': entry(3) } })
    expect(hear('a', 3, 4, undefined)).toBe(true)
    expect(here()).toEqual(['@ada'])
    read({ a: { '@ada': entry(3) } })
    expect(hear('a', 4, 5, { '@bob': entry(5) })).toBe(false)
  })

  test('G112 the former self of a gateway goes when its entries are there, and nobody is missing in between', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(3) } })
    hear('b', 0, 4, { '@ada': entry(4) }, [], ['a'])
    expect(here()).toEqual(['@ada'])
    expect([merged.partOf('a').size, merged.partOf('b').size]).toEqual([0, 1])
  })
})

describe('heads', () => {
  const head = (version: number, nowMs: number, epoch = 'a'): void => remote.headReceived({ epoch, version }, at(nowMs))

  test('G114 a write that stays unheard of has the hash read; one that is only late does not', () => {
    read({ a: { '@ada': entry(3) } })
    head(3, 0)
    expect(remote.wakesAtMs).toBeUndefined()
    head(4, 0)
    hear('a', 3, 4, {}, ['@ada'])
    expect(isReadDueAt(500)).toBe(false)
    head(5, 600)
    expect(isReadDueAt(1099)).toBe(false)
    expect(isReadDueAt(1100)).toBe(true)
  })

  test('G114 a head is one of the gateway it names, and of no other', () => {
    read({ a: { '@ada': entry(9) }, b: { '@bob': entry(2) } })
    head(9, 0, 'a')
    expect(remote.wakesAtMs).toBeUndefined()
    head(9, 0, 'b')
    expect(remote.wakesAtMs).toBe(500)
    expect(hear('a', 9, 10, {})).toBe(false)
    expect(isReadDueAt(500)).toBe(true)
  })

  test('G114 what a read showed of a gateway is not looked for again', () => {
    read({})
    head(5, 0)
    expect(isReadDueAt(500)).toBe(true)
    read({}, ['a'])
    head(5, 600)
    expect(remote.wakesAtMs).toBeUndefined()
  })

  test('G114 what is claimed while a read is under way is looked for after it', () => {
    read({ a: { '@ada': entry(3) } })
    begin()
    head(5, 0)
    done(found({ a: { '@ada': entry(3) } }))
    expect(remote.wakesAtMs).toBe(500)
    hear('a', 3, 4, {})
    expect(isReadDueAt(500)).toBe(true)
  })
})

describe('reads', () => {
  test('G110 entries without a lease do not count, and somebody is to clear up after their gateway', () => {
    const parts = { a: { '@ada': entry(3) }, dead: { '@bob': entry(9, '', 4), '@cyd': entry(1, '', 6) } }
    expect(read(parts, ['a'])).toEqual(['dead'])
    expect(here()).toEqual(['@ada'])
  })

  test('G111 our own former entries go, whatever is trusted', () => {
    expect(read({ 'me-once': { '@ada': entry(3) } }, [], 'nothing')).toEqual(['me-once'])
    expect(here()).toEqual([])
    expect(remote.isExact).toBe(true)
  })

  test('G110 those who were here through a gateway that somebody has cleared up after are gone', () => {
    read({ a: { '@ada': entry(3), '@cyd': entry(3) } })
    expect(read({}, [])).toEqual([])
    expect(here()).toEqual([])
  })

  test('G112 who is missing in the first read after Redis was away is kept until its gateway has said it again', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({ a: { '@ada': entry(3) } }, ['a'], 'nothing')
    expect(here()).toEqual(['@ada', '@bob'])
    expect([remote.isExact, remote.isReadDue]).toEqual([false, false])
    // One that does not say everything tells nothing of who is missing.
    hear('a', 4, 5, { '@ada': entry(5, 'busy') })
    expect(remote.isExact).toBe(false)
    hear('a', 0, 9, { '@ada': entry(9), '@bob': entry(9) })
    expect(remote.isExact).toBe(true)
    remote.trustRestored()
    expect(remote.isReadDue).toBe(false)
    expect(here()).toEqual(['@ada', '@bob'])
  })

  test('G112 or until Redis is trusted again, and read once more', () => {
    read({ a: { '@ada': entry(3), '@bob': entry(4) } })
    remote.lose()
    read({ a: { '@ada': entry(3) } }, ['a'], 'nothing')
    remote.trustRestored()
    expect(remote.isReadDue).toBe(true)
    read({ a: { '@ada': entry(3) } })
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G112 in doubt the missing are kept and the roster is not exact, until they are given up or heard of', () => {
    read({ a: { '@ada': entry(3) }, b: { '@bob': entry(4) } })
    read({}, [], 'entries')
    expect(here()).toEqual(['@ada', '@bob'])
    expect(remote.isExact).toBe(false)
    hear('b2', 0, 5, { '@bob': entry(5) }, [], ['b'])
    expect(remote.isExact).toBe(false)
    remote.removePart('a')
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@bob'])
  })

  test('G112 a gateway heard of first during a read is not doubted for not having been asked about', () => {
    begin()
    hear('new', 0, 1, { '@ada': entry(1) })
    done(found({}), 'nothing')
    expect(remote.isExact).toBe(true)
    expect(here()).toEqual(['@ada'])
  })

  test('G119 a hash that cannot be read changes nobody, and leases still count', () => {
    read({ a: { '@ada': entry(3) }, b: { '@bob': entry(4) } })
    read({}, ['a', 'b'])
    read({ a: { '@ada': entry(3) }, b: { '@bob': entry(4) } })
    begin()
    done({ entries: undefined, leases: new Map([['a', []]]), heartbeats: new Map() })
    expect(here()).toEqual(['@ada'])
    expect(remote.isExact).toBe(true)
    hear('a', 3, 4, { '@cyd': entry(4) })
    expect(here()).toEqual(['@ada', '@cyd'])
  })

  test('G113 an answer that was overtaken changes nothing', () => {
    begin()
    remote.lose()
    done(found({ a: { '@ada': entry(1) } }))
    expect(here()).toEqual([])
    expect(remote.isExact).toBe(false)
  })
})
