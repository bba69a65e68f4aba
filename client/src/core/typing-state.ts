/**
 * Who is typing in one space. Each signal is good for a few seconds; whoever says something or leaves stops at once,
 * and a signal that was overtaken by what it was about begins nothing anew. Nothing of it outlives a connection.
 */
import { soonest } from '@rhizom/machine'
import type { BeingId, JsonObject } from '@rhizom/protocol'

export interface Typist {
  being: BeingId
  /** `stopped` a moment ago: a signal that comes until then was on its way before that. */
  status: 'typing' | 'stopped'
  untilMs: number
}

/** In the order in which they began. */
export type TypingState = readonly Typist[]

export const nobodyTypes: TypingState = []

export const TYPING = {
  /** The name of the signal. */
  signal: 'typing',
  /** How long one signal counts. */
  shownMs: 4_000,
  /** One who goes on typing says so again after this. */
  againMs: 1_000,
  /** How much later than a message a signal from before it may come: gateways gather signals for a while. */
  overtakenMs: 500,
} as const

/**
 * What a signal carries that takes typing back: everything typed was erased. It has the name of the one it takes back,
 * so that of the two the latest wins on the way.
 */
export const TYPING_END: JsonObject = { stopped: true }

export const isTypingEnd = (data: JsonObject | undefined): boolean => data?.['stopped'] === true

export function startTyping(before: TypingState, being: BeingId, nowMs: number): TypingState {
  const typist: Typist = { being, status: 'typing', untilMs: nowMs + TYPING.shownMs }
  const index = before.findIndex((other) => other.being === being)
  const known = before[index]
  if (known === undefined) return [...before, typist]
  if (known.status === 'typing') return before.with(index, typist)
  return known.untilMs > nowMs ? before : [...before.toSpliced(index, 1), typist]
}

/** Signals of one being arrive in order: what comes after this one is about something new. */
export function endTyping(before: TypingState, being: BeingId): TypingState {
  const after = before.filter((typist) => typist.being !== being || typist.status !== 'typing')
  return after.length === before.length ? before : after
}

export function stopTyping(before: TypingState, beings: readonly BeingId[], nowMs: number): TypingState {
  if (beings.length === 0) return before
  const those = new Set(beings)
  const others = before.filter(({ being, untilMs }) => !those.has(being) && untilMs > nowMs)
  const untilMs = nowMs + TYPING.overtakenMs
  return [...others, ...Array.from(those, (being): Typist => ({ being, status: 'stopped', untilMs }))]
}

/** Without those whose time is over. */
export function expireTyping(before: TypingState, nowMs: number): TypingState {
  const after = before.filter(({ untilMs }) => untilMs > nowMs)
  return after.length === before.length ? before : after
}

export const typistsOf = (typing: TypingState): BeingId[] =>
  typing.filter(({ status }) => status === 'typing').map(({ being }) => being)

/** When the next one's time is over; undefined if nobody types. That somebody stopped is not worth a timer. */
export const typingEndsAtMs = (typing: TypingState): number | undefined =>
  soonest(typing.map(({ status, untilMs }) => (status === 'typing' ? untilMs : undefined)))
