/**
 * Brings what an answer says into a reply while it is being said: one side reads and never waits for the other, which
 * writes what was gathered whenever it is due (core/gathering.ts).
 */
import {
  dueAtMs,
  gather,
  type Gathering,
  type GatheringTimes,
  nothingGathered,
  take,
  written,
} from './core/gathering.ts'
import type { Said } from './answer.ts'
import { type ReplyWriter, TooLong } from './reply-writer.ts'

/** Of one append: a fraction of what a request and an entity may hold. */
const MOST_AT_ONCE = 8_192
/** What nobody has written yet is held in memory; an answer that is so far ahead is longer than any reply. */
const MOST_PENDING = 1_048_576

export interface SayDeps {
  writer: Pick<ReplyWriter, 'append' | 'complete'>
  times(): GatheringTimes
  signal: AbortSignal
  /** Told once, when the first words are there for all to see. */
  begun(): void
}

/** Resolves when all of it is written. Rejects with what the answer threw, or with what became of the claim. */
export async function say(said: Said, { writer, times, signal, begun }: SayDeps): Promise<void> {
  let gathered: Gathering = nothingGathered
  let news = Promise.withResolvers<void>()
  const change = (next: Gathering): void => {
    gathered = next
    news.resolve()
    news = Promise.withResolvers<void>()
  }
  const heard = (text: string): void => {
    if (gathered.pending.length > MOST_PENDING) throw new TooLong('far more was said than a reply holds')
    change(gather(gathered, text, performance.now()))
  }
  let hasFailed = false
  const ended = (isFailed: boolean): void => {
    hasFailed = isFailed
    change({ ...gathered, isDone: true })
  }
  let reading = Promise.resolve()
  if (typeof said === 'string') {
    heard(said)
    ended(false)
  } else {
    reading = read(said, signal, heard)
    reading.then(
      () => ended(false),
      () => ended(true),
    )
  }
  for (let isFirst = true; ; ) {
    signal.throwIfAborted()
    const dueMs = dueAtMs(gathered, times())
    if (hasFailed) break
    if (gathered.isDone && (dueMs === undefined || gathered.pending.length <= MOST_AT_ONCE)) break
    const waitMs = dueMs === undefined ? undefined : dueMs - performance.now()
    if (waitMs === undefined || waitMs > 0) {
      await somethingHappened(news.promise, waitMs, signal)
      continue
    }
    const { text, state } = take(gathered, performance.now(), MOST_AT_ONCE)
    gathered = state
    await writer.append(text)
    gathered = written(gathered, performance.now())
    if (isFirst) begun()
    isFirst = false
  }
  await reading
  await writer.complete(take(gathered, performance.now(), MOST_AT_ONCE).text)
}

async function read(said: AsyncIterable<string>, signal: AbortSignal, heard: (text: string) => void): Promise<void> {
  const pieces = said[Symbol.asyncIterator]()
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => undefined)
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      signal.throwIfAborted()
      // One that never says anything again must not hold up whoever stops it.
      const piece = await Promise.race([pieces.next(), aborted.promise])
      if (piece.done === true) return
      if (piece.value !== '') heard(piece.value)
    }
  } catch (error) {
    // It may be in the middle of something that never ends: nobody waits for its clean-up.
    void Promise.resolve(pieces.return?.()).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Until there is news, so much time has passed, or the signal says stop. */
async function somethingHappened(news: Promise<void>, ms: number | undefined, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
  const stop = (): void => resolve()
  signal.addEventListener('abort', stop, { once: true })
  await Promise.race([news, promise])
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
}
