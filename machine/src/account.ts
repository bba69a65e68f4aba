/**
 * What is left of a budget, as one number: the generic cell rate algorithm (ITU-T I.371, virtual scheduling). An
 * account holds the time at which it is level again; whatever is taken moves that time on by what it costs, and is let
 * through while that stays within the burst. Refusing changes nothing.
 */
export interface Budget {
  /** How much comes back in the long run. 0 sets no limit. */
  readonly perSecond: number
  /** How much may be taken at once after quiet. */
  readonly burst: number
}

/** Milliseconds that one unit takes to come back. */
export const intervalMs = ({ perSecond }: Budget): number => 1000 / perSecond

/** What costs more than all there can be costs all of it: else it could never pass. */
export const payable = (cost: number, { burst }: Budget): number => Math.min(cost, burst)

/** What sums of fractions of milliseconds may be off by. */
const ROUNDING_MS = 1e-3

/** How long until `cost` can be taken from an account that is level at `levelAtMs`; 0 if it can now. */
export function waitMs(levelAtMs: number, budget: Budget, nowMs: number, cost: number): number {
  const over = spentTo(levelAtMs, budget, nowMs, cost) - budget.burst * intervalMs(budget) - nowMs
  return Math.max(0, Math.ceil(over - ROUNDING_MS))
}

/** When an account is level again from which `cost` is taken, whether it is there or not. */
export const spentTo = (levelAtMs: number, budget: Budget, nowMs: number, cost: number): number =>
  Math.max(levelAtMs, nowMs) + cost * intervalMs(budget)
