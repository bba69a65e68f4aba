/**
 * Holds what a client, an api node or Redis says about who is in a space against who truly is: pure comparison. Who
 * truly is comes from the harness' own pages (visitors.ts, attendance.ts), how it was asked is presence-judge.ts.
 */
import { parsePresenceField } from '@rhizom/protocol'

/** Who should be listed, in which state. */
export type Listed = ReadonlyMap<string, unknown>

export interface Difference {
  /** Listed, and not here. */
  ghosts: string[]
  /** Here, and not listed. */
  missing: string[]
  /** Anything else that is not as it should be. */
  wrong: string[]
}

export const isExact = ({ ghosts, missing, wrong }: Difference): boolean =>
  ghosts.length + missing.length + wrong.length === 0

export function compareList(expected: Listed, listed: Listed): Difference {
  const difference: Difference = { ghosts: [], missing: [], wrong: [] }
  for (const [being, state] of listed) {
    if (!expected.has(being)) difference.ghosts.push(being)
    else if (JSON.stringify(state) !== JSON.stringify(expected.get(being)))
      difference.wrong.push(`${being} is ${JSON.stringify(state)}, not ${JSON.stringify(expected.get(being))}`)
  }
  for (const being of expected.keys()) if (!listed.has(being)) difference.missing.push(being)
  return difference
}

/**
 * The fields of a space's hash. Which boot id is which gateway is the gateways' secret, so their parts are compared as
 * sets: for each gateway that somebody is here through there must be one living boot id with exactly those beings.
 */
export function compareFields(
  expected: readonly ReadonlySet<string>[],
  fields: readonly string[],
  leases: ReadonlySet<string>,
): Difference {
  const difference: Difference = { ghosts: [], missing: [], wrong: [] }
  const byBoot = new Map<string, string[]>()
  for (const field of fields) {
    const name = parsePresenceField(field)
    if (name === undefined) difference.wrong.push(`the field ${field}`)
    else if (!leases.has(name.bootId)) difference.ghosts.push(`${name.being} (orphan of ${name.bootId})`)
    else byBoot.set(name.bootId, [...(byBoot.get(name.bootId) ?? []), name.being])
  }
  const surplus = countOf([...byBoot.values()].flat())
  for (const being of expected.flatMap((beings) => [...beings])) surplus.set(being, (surplus.get(being) ?? 0) - 1)
  for (const [being, count] of surplus) {
    if (count > 0) difference.ghosts.push(being)
    if (count < 0) difference.missing.push(being)
  }
  const parts = (all: readonly Iterable<string>[]): string =>
    all
      .map((beings) => [...beings].sort().join(' '))
      .filter((part) => part !== '')
      .sort()
      .join(' | ')
  if (isExact(difference) && parts([...byBoot.values()]) !== parts(expected))
    difference.wrong.push(`entries of another gateway: ${parts([...byBoot.values()])}, not ${parts(expected)}`)
  return difference
}

function countOf(beings: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const being of beings) counts.set(being, (counts.get(being) ?? 0) + 1)
  return counts
}
