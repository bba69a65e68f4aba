/**
 * Who is here as one client of the load test is told, and what is wrong with what it was told. Pure: a frame in, the
 * findings out; the set is changed in place, since there may be thousands of them.
 */

export interface ToldHere {
  being: string
  /** Milliseconds since 1970, by the clock of the gateway it came to. */
  since: number
}

export interface RosterFindings {
  joined: ToldHere[]
  /** Joined while here, or left while not. */
  doubled: number
}

/** All who are here, from a snapshot or after a resume: it replaces what was known. */
export function setRoster(here: Set<string>, all: readonly ToldHere[]): void {
  here.clear()
  for (const { being } of all) here.add(being)
}

/** Joins and leaves. */
export function changeRoster(here: Set<string>, joined: readonly ToldHere[], left: readonly string[]): RosterFindings {
  let doubled = 0
  for (const being of left) if (!here.delete(being)) doubled += 1
  for (const { being } of joined) {
    if (here.has(being)) doubled += 1
    here.add(being)
  }
  return { joined: [...joined], doubled }
}

/** How many are listed and should not be, or should be and are not. */
export function rosterFaults(here: ReadonlySet<string>, expected: ReadonlySet<string>): number {
  let faults = 0
  for (const being of here) if (!expected.has(being)) faults += 1
  for (const being of expected) if (!here.has(being)) faults += 1
  return faults
}
