import { setTimeout as sleep } from 'node:timers/promises'

/** What is waited for longer is asked for less often: to ask costs whoever is asked. */
const ASKS = { atFirstMs: 10, shareOfWait: 0.1, atMostMs: 100 } as const

/**
 * Waits until a condition holds and resolves with what it gave, asking every few milliseconds at first; no test sleeps
 * for a guessed time. The error says what was waited for.
 */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 45_000,
): Promise<T> {
  const begun = performance.now()
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    const waitedMs = performance.now() - begun
    if (waitedMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(Math.min(ASKS.atMostMs, Math.max(ASKS.atFirstMs, waitedMs * ASKS.shareOfWait)))
  }
}
