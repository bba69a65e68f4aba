/**
 * What a fault is: how it strikes, for how long, and how it is healed. The catalogue has one file per kind of part
 * (catalog/); drill.ts runs a fault and judges what became of it.
 */
import type { Clients } from './clients.ts'
import type { Random } from '../kit/chance.ts'
import type { Rig } from './rig.ts'

export interface Stage {
  rig: Rig
  clients: Clients
  random: Random
  /** Something worth a line beside the numbers. */
  note(text: string): void
  /** Something that must not be: the drill fails. */
  problem(text: string): void
}

export interface Fault {
  /** As the table shows it. */
  name: string
  /** How often it comes in a long run, in relation to the others. */
  weight: number
  /** How long it stands between striking and healing. */
  holdMs: number
  /** While it stands, what is written reaches everybody who can be reached within this. */
  servedWithinMs?: number
  /** How long everybody has to be level after it was healed. */
  levelWithinMs?: number
  /** How long everybody who tells who is here has to be exact after it was healed. */
  exactWithinMs?: number
  /** Breaks something and returns what mends it. */
  strike(stage: Stage): Promise<() => Promise<void>>
}

export const LEVEL_WITHIN_MS = 20_000

/** For faults that are over when they have struck. */
export const nothingToHeal = async (): Promise<void> => undefined
