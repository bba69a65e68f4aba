/**
 * Judges the departures that clients were told of: pure comparison with who truly was away (attendance.ts) and with who
 * vanished together with a gateway.
 */
import type { Attendance } from './attendance.ts'
import type { Departure, RosterWitness } from './roster-witness.ts'
import { GRACE_MS, LEASE_MS } from './settings.ts'
import { timeOfDay } from './time-of-day.ts'

/** Those who were here only through one gateway, and are gone with it for good. */
export interface Vanished {
  gateway: number
  space: string
  beings: readonly string[]
  /** Since when nothing was heard of the gateway. */
  at: number
  /**
   * It comes back, with those in their grace of whom it does not know yet that they left: it may tell of them again.
   */
  livesOn: boolean
}

/** A client, as far as it was told of departures. */
export interface Told {
  name: string
  gateway: number
  roster: RosterWitness
}

export interface Blink {
  /** The space and the being. */
  who: string
  problem: string
}

/** The clock of a gateway began a little before ours. */
const SLACK_MS = 50
/** Whatever the machine owed: who has another connection as soon as one ends was not away. */
const SURELY_AWAY_MS = 100
/** A lease is looked at a moment after it ran out, and what came of it is gathered before it is told. */
const TOLD_WITHIN_MS = 1_000

const HOW: Record<Departure['how'], string> = {
  left: 'left',
  unlisted: 'was not listed any more',
  later: 'came only later',
}

/** What the machine owed between two moments. */
type Owed = (from: number, to: number) => number
const nothingOwed: Owed = () => 0

/**
 * Who was called away without having been away for as long as the grace. A gateway that ends a connection counts from
 * then, and its client from when it hears of it: on a busy machine that is later by what the machine owed.
 */
export function blinksOf({ name, roster }: Told, attendance: Attendance, now: number, owedMs = nothingOwed): Blink[] {
  const { space, departures } = roster
  const awayMs = (at: number): number => Math.max(SURELY_AWAY_MS, GRACE_MS - SLACK_MS - owedMs(at - 2 * GRACE_MS, at))
  return departures
    .filter(({ being, at, explainedBy }) =>
      explainedBy.every((absence) => !attendance.wasAway(space, being, absence, awayMs(at), now)),
    )
    .map(({ being, how, at }) => ({
      who: `${space} ${being}`,
      problem: `blink: ${name} was told at ${timeOfDay(at)} that ${being} ${HOW[how]} in ${space}, and it was not away: ${attendance.describe(space, being, now)}`,
    }))
}

/** What is wrong with how those who vanished left: once, together and in time, for every client that a frame told. */
export function problemsOfVanished(
  { gateway, space, beings, at, livesOn }: Vanished,
  clients: readonly Told[],
  owedMs = nothingOwed,
): string[] {
  const problems: string[] = []
  let told = 0
  for (const { name, gateway: own, roster } of clients) {
    if (roster.space !== space || roster.answeredAt > at || own === gateway) continue
    const frames = roster.leaveFrames.filter((frame) => frame.at > at && beings.some((one) => frame.left.includes(one)))
    const [first] = frames
    if (first === undefined) continue
    told += 1
    const say = (what: string): number => problems.push(`${name}: those of a dead gateway left ${space} ${what}`)
    if (frames.length > 1 && !livesOn)
      say(
        `in ${frames.length} frames: ${frames.map((frame) => `${timeOfDay(frame.at)} ${frame.left.join(' ')}`).join(', ')}`,
      )
    const forgotten = beings.filter((one) => !first.left.includes(one))
    if (forgotten.length > 0) say(`at ${timeOfDay(first.at)} without ${forgotten.join(' ')}`)
    if (first.at - at - owedMs(at, first.at) > LEASE_MS + TOLD_WITHIN_MS)
      say(`only after ${Math.round(first.at - at)} ms`)
  }
  if (told === 0) problems.push(`nobody was told that ${beings.join(' ')} left ${space}`)
  return problems
}
