/** Waiting for a condition of the outside world: asked again at a steady pace until it holds or the time is up. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Patience {
  withinMs: number
  everyMs?: number
  /** Gives up early, for instance because the process that should answer has ended. */
  giveUp?: () => boolean
}

/** Whether the condition came to hold. A probe that throws counts as not yet. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  { withinMs, everyMs = 50, giveUp = () => false }: Patience,
): Promise<boolean> {
  const end = Date.now() + withinMs
  for (;;) {
    if (await holds(condition)) return true
    if (giveUp() || Date.now() > end) return false
    await sleep(everyMs)
  }
}

async function holds(condition: () => Promise<boolean> | boolean): Promise<boolean> {
  try {
    return await condition()
  } catch {
    return false
  }
}
