/**
 * Content that takes the place of other content keeps what is the same: a snapshot after a reconnect brings every
 * entity anew, and mostly as it was. What keeps its identity is rendered no second time.
 */
import type { SpaceContent } from './space-content.ts'

/** `after`, with those parts taken from `before` that say the same. */
export function sharedContent(before: SpaceContent | undefined, after: SpaceContent): SpaceContent {
  if (before === undefined) return after
  const said = new Map(before.intentions.map((intention) => [intention.id, intention]))
  const intentions = after.intentions.map((intention) => same(said.get(intention.id), intention))
  const beings = Object.fromEntries(
    Object.entries(after.beings).map(([id, being]) => [id, same(before.beings[id], being)]),
  )
  return {
    ...after,
    space: same(before.space, after.space),
    members: same(before.members, after.members),
    intentions: hasAll(before.intentions, intentions) ? before.intentions : intentions,
    beings: hasAll(Object.values(before.beings), Object.values(beings)) ? before.beings : beings,
  }
}

const same = <T>(before: T | undefined, after: T): T =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(after) ? before : after

const hasAll = (before: readonly unknown[], after: readonly unknown[]): boolean =>
  before.length === after.length && after.every((one, index) => one === before[index])
