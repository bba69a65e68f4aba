/**
 * The work on a large body is done in pieces: between two of them whatever else is due in this process has its turn. A
 * small body is done at once, which costs less than waiting.
 */
import { setImmediate } from 'node:timers/promises'

const LARGE_BYTES = 64 * 1024

export async function letOthersRun(bodyBytes: number): Promise<void> {
  if (bodyBytes > LARGE_BYTES) await setImmediate()
}
