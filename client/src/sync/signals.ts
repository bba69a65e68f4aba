/**
 * Signals of the spaces: small things for those who watch right now. They are neither stored nor repeated: what cannot
 * be sent now is dropped, and so is what waited when the connection went. Typing, the one signal with a lasting effect,
 * is kept for some seconds in the space's own state.
 */
import {
  type BeingId,
  checkValue,
  type ClientFrameInput,
  type JsonObject,
  LIMITS,
  signalFrameCheck,
  type SpaceId,
} from '@rhizom/protocol'
import type { IncomingFrame } from '../core/incoming.ts'
import { TYPING, TYPING_END } from '../core/typing-state.ts'
import type { Environment } from '../runtime/environment.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { checkBeforeSending, type SendResult } from './send-result.ts'
import { createThrottleLatest } from './throttle-latest.ts'

/** A signal that arrived. `from` may be oneself, on another screen. */
export interface Signal {
  name: string
  from: BeingId
  data: JsonObject
}

const signalOf = ({ name, from, data }: Extract<IncomingFrame, { type: 'signal' }>): Signal => ({
  name,
  from,
  data: data ?? {},
})

export interface Signals {
  send(space: SpaceId, name: string, data: JsonObject): SendResult
  /** Tells that oneself is typing; asked for at every key, sent about once a second. */
  notifyTyping(space: SpaceId): void
  /** Takes it back, if others may still believe it. */
  stopTyping(space: SpaceId): void
  listen(space: SpaceId, name: string, listener: (signal: Signal) => void): () => void
  /** Signals of spaces that are watched, among other frames. */
  receive(frames: readonly IncomingFrame[]): void
  /** The connection went: nothing from before is sent later. */
  wentDown(): void
}

/** Of one name in one space, at most this often. */
const SIGNAL_WINDOW_MS = 1_000

export interface SignalsDeps {
  environment: Environment
  isWatched(space: SpaceId): boolean
  /** Whether the space would take a signal now. */
  isCurrent(space: SpaceId): boolean
  send(frames: readonly ClientFrameInput[]): void
}

export function createSignals({ environment, isWatched, isCurrent, send: sendFrames }: SignalsDeps): Signals {
  const throttle = createThrottleLatest(environment, SIGNAL_WINDOW_MS)
  const listeners = new Map<string, Listeners<Signal>>()
  /** Where others may believe that oneself is typing, and when that was said last. */
  const typedAtMs = new Map<SpaceId, number>()
  /** Where that is to be taken back. */
  const erased = new Set<SpaceId>()
  const keyOf = (space: SpaceId, name: string): string => `${space} ${name}`

  const deliver = (space: SpaceId, name: string, data: JsonObject): void => {
    if (isCurrent(space)) sendFrames([{ type: 'signal', space, name, data }])
  }

  function send(space: SpaceId, name: string, data: JsonObject): SendResult {
    const frame = { type: 'signal', space, name, data }
    const check = () => checkValue(signalFrameCheck, frame)
    const result = checkBeforeSending('A signal', data, LIMITS.maxSignalBytes, check)
    if (result.ok) throttle.push(keyOf(space, name), () => deliver(space, name, data))
    return result
  }

  function endTyping(space: SpaceId): void {
    if (!erased.delete(space)) return
    typedAtMs.delete(space)
    deliver(space, TYPING.signal, TYPING_END)
  }

  function receiveOne(frame: IncomingFrame): void {
    if (frame.type !== 'signal' || !isWatched(frame.space)) return
    listeners.get(keyOf(frame.space, frame.name))?.notify(signalOf(frame))
  }

  return {
    send,
    notifyTyping(space) {
      // No last word here: one that left after the message it was about would say that the writer goes on.
      const nowMs = environment.nowMs()
      const isRecent = nowMs - (typedAtMs.get(space) ?? Number.NEGATIVE_INFINITY) < TYPING.againMs
      erased.delete(space)
      if (isRecent || !isCurrent(space)) return
      typedAtMs.set(space, nowMs)
      deliver(space, TYPING.signal, {})
    },
    stopTyping(space) {
      const saidAtMs = typedAtMs.get(space)
      if (saidAtMs === undefined || environment.nowMs() - saidAtMs >= TYPING.shownMs) return
      // It may wait, for those who write and erase by turns: a late end does no harm, unless they have begun anew.
      erased.add(space)
      throttle.push(`${space} ${TYPING.signal} is over`, () => endTyping(space))
    },
    listen(space, name, listener) {
      const key = keyOf(space, name)
      const known = listeners.get(key) ?? createListeners<Signal>(environment, 'a listener to signals')
      listeners.set(key, known)
      const stop = known.add(listener)
      return () => {
        stop()
        if (known.isEmpty() && listeners.get(key) === known) listeners.delete(key)
      }
    },
    receive: (frames) => frames.forEach(receiveOne),
    wentDown() {
      throttle.clear()
      typedAtMs.clear()
      erased.clear()
    },
  }
}
