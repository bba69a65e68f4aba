/** What differs between two states of a world, each in the order of its keys. */
import type { PairMap } from '@rhizom/domain'
import type { BeingId } from '@rhizom/protocol'

export interface Difference<Key, T> {
  inserted: [Key, T][]
  updated: [Key, T][]
  deleted: Key[]
}

export function differenceOf<Key extends string, T>(
  before: ReadonlyMap<Key, T>,
  after: ReadonlyMap<Key, T>,
): Difference<Key, T> {
  const difference: Difference<Key, T> = { inserted: [], updated: [], deleted: [] }
  for (const [key, value] of after) {
    const former = before.get(key)
    if (former === undefined) difference.inserted.push([key, value])
    else if (former !== value) difference.updated.push([key, value])
  }
  for (const key of before.keys()) if (!after.has(key)) difference.deleted.push(key)
  const byKey = (left: [Key, T], right: [Key, T]): number => (left[0] < right[0] ? -1 : 1)
  difference.inserted.sort(byKey)
  difference.updated.sort(byKey)
  difference.deleted.sort()
  return difference
}

/** Rows of two maps by two keys that differ, in the order of their keys. */
export function pairDifferenceOf<First extends string, Second extends string, T>(
  before: PairMap<First, Second, T>,
  after: PairMap<First, Second, T>,
): Difference<readonly [First, Second], T> {
  const difference: Difference<readonly [First, Second], T> = { inserted: [], updated: [], deleted: [] }
  for (const first of [...new Set([...before.firsts(), ...after.firsts()])].sort()) {
    const { inserted, updated, deleted } = differenceOf(before.of(first), after.of(first))
    for (const [second, value] of inserted) difference.inserted.push([[first, second], value])
    for (const [second, value] of updated) difference.updated.push([[first, second], value])
    for (const second of deleted) difference.deleted.push([first, second])
  }
  return difference
}

/** Entries that were cleared with their space are gone before the row writes begin. */
export function withoutCleared<Key, T>(
  entries: ReadonlyMap<Key, T>,
  cleared: ReadonlySet<BeingId>,
  spaceOf: (key: Key, value: T) => BeingId,
): ReadonlyMap<Key, T> {
  if (cleared.size === 0) return entries
  return new Map([...entries].filter(([key, value]) => !cleared.has(spaceOf(key, value))))
}
