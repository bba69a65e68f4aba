/**
 * Carries one claimed reply out, from the claim to its end: asks what was said, has it answered, writes the answer, and
 * says why there is none. Ends early when somebody stops it, when the claim is lost and when the bot is to stop.
 */
import type { Intention, Snapshot } from '@rhizom/protocol'
import { type Answer, AnswerError } from './answer.ts'
import type { Answered } from './answered.ts'
import { conversationOf } from './core/conversation.ts'
import type { GatheringTimes } from './core/gathering.ts'
import type { Hints } from './hints.ts'
import type { BotMetrics } from './metrics.ts'
import type { BotLog } from './ports.ts'
import { ClaimLost, ReplyWriter, TooLong } from './reply-writer.ts'
import { say } from './say.ts'
import type { Server } from './server.ts'

export interface CarryOutDeps {
  server: Server
  hints: Hints
  answer: Answer
  log: BotLog
  metrics: BotMetrics
  leaseMs: number
  maxAnswerMs: number
  times(): GatheringTimes
  /** The bot is to stop: what is under way is handed back. */
  stopping: AbortSignal
}

export type Outcome = 'complete' | 'failed' | 'stopped' | 'handed-back'

/** How often a claim is proved while nobody would say that it is lost: a stop is heard of within a second. */
const PROVE_EVERY_MS = 800
const HAND_BACK_WITHIN_MS = 2_000
const GENERAL = 'Something went wrong while answering'

export async function carryOut(reply: Intention, fence: number, deps: CarryOutDeps): Promise<Outcome> {
  const { server, log, leaseMs, stopping } = deps
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, stopping])
  const writerUntil = (until: AbortSignal) => new ReplyWriter({ server, reply, fence, leaseMs, signal: until })
  const writer = writerUntil(signal)
  // Once the end is sent, the answer to that says whether the claim still stood: the end itself is heard of as a loss.
  const lost = (why: ClaimLost): void => {
    if (!writer.isEnding) over.abort(why)
  }
  const stopProving = prove(writer, reply, deps, lost)
  let unwatch = (): void => undefined
  try {
    const conversation = await ask(server, reply, signal)
    unwatch = watch(reply, fence, conversation.position, deps, lost)
    const asked = { ...conversation.asked, reply, attempt: reply.attempt ?? 1, signal }
    const late = setTimeout(() => over.abort(new AnswerError('The answer took too long')), deps.maxAnswerMs)
    const sinceMs = performance.now()
    try {
      await say(await untilOver(deps.answer(asked), signal), {
        writer,
        times: deps.times,
        signal,
        begun: () => deps.metrics.firstWords.observe((performance.now() - sinceMs) / 1000),
      })
    } finally {
      clearTimeout(late)
    }
    return 'complete'
  } catch (thrown) {
    const why: unknown = signal.aborted ? signal.reason : thrown
    if (why instanceof ClaimLost) return 'stopped'
    // What ends it may not be sent under a signal that has said stop already.
    const last = writerUntil(AbortSignal.timeout(HAND_BACK_WITHIN_MS))
    if (stopping.aborted) return await ended(last.handBack(), 'handed-back', log)
    if (!(why instanceof AnswerError) && !(why instanceof TooLong)) log.error({ err: why, reply: reply.id }, GENERAL)
    return await ended(last.fail(reasonOf(why)), 'failed', log)
  } finally {
    deps.metrics.characters.inc(writer.written)
    stopProving()
    unwatch()
    over.abort()
  }
}

function reasonOf(why: unknown): string {
  if (why instanceof AnswerError) return why.message
  return why instanceof TooLong ? 'The answer is longer than a message may be' : GENERAL
}

/** What cannot be said is found out by the lease that runs out. */
async function ended(last: Promise<void>, outcome: Outcome, log: BotLog): Promise<Outcome> {
  try {
    await last
    return outcome
  } catch (error) {
    if (!(error instanceof ClaimLost)) log.warn({ err: error }, 'the end of a reply could not be written')
    return 'stopped'
  }
}

async function ask(server: Server, reply: Intention, signal: AbortSignal) {
  const snapshot = await server.snapshot(reply.location, signal)
  signal.throwIfAborted()
  if (!snapshot.ok) throw unreadable(snapshot)
  const asked = conversationOf(snapshot.value, reply) ?? (await askFurtherBack(server, snapshot.value, reply, signal))
  if (asked === undefined) throw new AnswerError('What was asked is too far back, or was removed')
  return { asked, position: { epoch: snapshot.value.epoch, version: snapshot.value.version } }
}

/** What waited long, or is retried late, was asked before the newest that a snapshot holds. */
async function askFurtherBack(server: Server, snapshot: Snapshot, reply: Intention, signal: AbortSignal) {
  const said = await server.saidBefore(reply, signal)
  signal.throwIfAborted()
  if (!said.ok) throw unreadable(said)
  const { beings, intentions } = said.value
  return conversationOf({ ...snapshot, beings, intentions: [...intentions, reply] }, reply)
}

const unreadable = ({ code }: Extract<Answered<unknown>, { ok: false }>): Error =>
  code === 'not-found'
    ? new ClaimLost('the space may not be read any more')
    : new AnswerError('The conversation could not be read')

/** Whatever the answer does, it holds up nobody who stops it. */
async function untilOver<T>(answer: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  aborted.promise.catch(() => undefined)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([answer, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Renews the claim; more often while no hint would say that it is lost. */
function prove(
  writer: ReplyWriter,
  { location }: Intention,
  { leaseMs, hints, log }: CarryOutDeps,
  lost: (why: ClaimLost) => void,
): () => void {
  const everyMs = Math.max(20, leaseMs / 3)
  const proveEveryMs = Math.min(everyMs, PROVE_EVERY_MS)
  let timer: NodeJS.Timeout | undefined
  const next = (): void => {
    timer = setTimeout(() => void renew(), hints.isFollowing(location) ? everyMs : proveEveryMs)
  }
  const renew = async (): Promise<void> => {
    try {
      await writer.renew(hints.isFollowing(location) ? leaseMs / 4 : proveEveryMs / 2)
    } catch (error) {
      if (error instanceof ClaimLost) return lost(error)
      log.warn({ err: error }, 'a claim could not be renewed')
    }
    if (timer !== undefined) next()
  }
  next()
  return () => {
    clearTimeout(timer)
    timer = undefined
  }
}

function watch(
  reply: Intention,
  fence: number,
  position: { epoch: string; version: number },
  { hints }: CarryOutDeps,
  lost: (why: ClaimLost) => void,
): () => void {
  return hints.watch(reply.location, position, {
    put(intention) {
      if (intention.id === reply.id && intention.rev > fence && intention.claim?.fence !== fence)
        lost(new ClaimLost(`it is ${intention.state}`))
    },
    removed(id) {
      if (id === reply.id) lost(new ClaimLost('it was removed'))
    },
    lost: () => lost(new ClaimLost('the space may not be read any more')),
  })
}
