/**
 * The one verdict on who is here, of real processes as of the simulation: what a client, an api node or Redis says is
 * held against who truly is, and a departure against who truly was away. Pure comparison: who is here each world knows
 * from its own clients, never from what the system says.
 */
import { parsePresenceField } from '@rhizom/protocol'

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

/** In words, where anything is not as it should be. */
export function inWords(difference: Difference): string | undefined {
  const kinds = (['ghosts', 'missing', 'wrong'] as const).filter((kind) => difference[kind].length > 0)
  return kinds.length === 0 ? undefined : kinds.map((kind) => `${kind}: ${difference[kind].join(', ')}`).join('; ')
}

/** A list of everybody, against who should be listed and what else is wrong about one of them. */
export function compareList<Being extends string, One>(
  expected: ReadonlyMap<Being, unknown>,
  listed: ReadonlyMap<Being, One>,
  wrongAbout: (being: Being, one: One) => string | undefined,
): Difference {
  const difference: Difference = { ghosts: [], missing: [], wrong: [] }
  for (const [being, one] of listed) {
    const wrong = expected.has(being) ? wrongAbout(being, one) : undefined
    if (!expected.has(being)) difference.ghosts.push(being)
    else if (wrong !== undefined) difference.wrong.push(`${being} ${wrong}`)
  }
  for (const being of expected.keys()) if (!listed.has(being)) difference.missing.push(being)
  return difference
}

/** The same where it is known in which state each should be. */
export const compareStates = (
  expected: ReadonlyMap<string, unknown>,
  listed: ReadonlyMap<string, unknown>,
): Difference =>
  compareList(expected, listed, (being, state) => {
    const [is, should] = [JSON.stringify(state), JSON.stringify(expected.get(being))]
    return is === should ? undefined : `is ${is}, not ${should}`
  })

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

export interface Span {
  from: number
  to: number
}

/**
 * Whether somebody was away for at least so long, in a time that touches this span, or begins in it: `covered` is when
 * it had a connection that counts, by any of them, in any order.
 */
export function wasAway(covered: readonly Span[], span: Span & { begins?: true }, atLeastMs: number): boolean {
  let end = Number.NEGATIVE_INFINITY
  const later = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  for (const { from, to } of [...covered.toSorted((a, b) => a.from - b.from), later]) {
    const isInSpan = end <= span.to && (span.begins ? end : from) >= span.from
    if (isInSpan && from - end >= atLeastMs) return true
    end = Math.max(end, to)
  }
  return false
}
