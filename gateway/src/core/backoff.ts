/** How long to wait before trying again: exponential with full jitter, never below what the other side asked for. */
export interface BackoffSettings {
  baseMs: number
  maxMs: number
}

/** `attempt` counts from 0; `random` is in [0, 1). */
export function backoffMs(settings: BackoffSettings, attempt: number, random: number, floorMs = 0): number {
  const ceiling = Math.min(settings.maxMs, settings.baseMs * 2 ** Math.min(attempt, 30))
  return Math.max(floorMs, Math.ceil(ceiling * random))
}
