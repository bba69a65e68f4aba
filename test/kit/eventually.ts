import { setTimeout as sleep } from 'node:timers/promises'

const ASKS_EVERY_MS = 10

/**
 * Waits until a condition holds and resolves with what it gave, asking every few milliseconds; no test sleeps for a
 * guessed time. The error says what was waited for.
 */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 45_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(ASKS_EVERY_MS)
  }
}
