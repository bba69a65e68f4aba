/**
 * Who is typing in one space. Each signal is good for a few seconds; whoever says something or leaves stops at once.
 * Nothing of it outlives a connection.
 */
import type { BeingId } from '@rhizom/protocol'

export interface Typist {
  being: BeingId
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
} as const

export function hearTyping(before: TypingState, being: BeingId, nowMs: number): TypingState {
  const typist = { being, untilMs: nowMs + TYPING.shownMs }
  const index = before.findIndex((other) => other.being === being)
  return index < 0 ? [...before, typist] : before.with(index, typist)
}

/** Without some, and the same object if none of them was typing. */
export function stopTyping(before: TypingState, beings: readonly BeingId[]): TypingState {
  const after = before.filter(({ being }) => !beings.includes(being))
  return after.length === before.length ? before : after
}

/** Without those whose time is over. */
export function expireTyping(before: TypingState, nowMs: number): TypingState {
  const after = before.filter(({ untilMs }) => untilMs > nowMs)
  return after.length === before.length ? before : after
}

/** When the next one's time is over; null if nobody types. */
export const typingDeadlineOf = (typing: TypingState): number | null =>
  typing.length === 0 ? null : Math.min(...typing.map(({ untilMs }) => untilMs))
