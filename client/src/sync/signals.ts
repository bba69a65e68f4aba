/**
 * Signals of the spaces: small things said to whoever watches right now. They are neither stored nor repeated: what
 * cannot be sent now is dropped, and so is what waited when the connection went. Typing, the one signal with a
 * lasting effect, is kept for some seconds in the space's own state.
 */
import {
  type BeingId,
  type ClientFrameInput,
  jsonBytes,
  type JsonObject,
  LIMITS,
  type ServerFrame,
  signalFrameSchema,
  type SpaceId,
} from '@rhizom/protocol'
import { TYPING, TYPING_END } from '../core/typing-state.ts'
import type { Environment } from '../runtime/environment.ts'
import { createLatestWins } from './latest-wins.ts'

/** A signal that arrived. `from` may be oneself, on another screen. */
export interface Signal {
  name: string
  from: BeingId
  data: JsonObject
}

export const signalOf = ({ name, from, data }: Extract<ServerFrame, { type: 'signal' }>): Signal => ({
  name,
  from,
  data: data ?? {},
})

/** Whether something said is of a form that can be sent. Not whether anybody heard it. */
export type Said = { ok: true } | { ok: false; code: 'too-large' | 'malformed'; message: string }

export interface Signals {
  send(space: SpaceId, name: string, data: JsonObject): Said
  /** Says that oneself is typing; asked for at every key, sent about once a second. */
  notifyTyping(space: SpaceId): void
  /** Takes it back, if others may still believe it. */
  stopTyping(space: SpaceId): void
  listen(space: SpaceId, name: string, listener: (signal: Signal) => void): () => void
  hear(space: SpaceId, signal: Signal): void
  /** The connection went: nothing said before is sent later. */
  wentDown(): void
}

/** Of one name in one space, at most this often. */
const SIGNAL_WINDOW_MS = 1_000

export interface SignalsParts {
  environment: Environment
  /** Whether the space would take a signal now. */
  isHeard(space: SpaceId): boolean
  sendFrames(frames: readonly ClientFrameInput[]): void
}

export function createSignals({ environment, isHeard, sendFrames }: SignalsParts): Signals {
  const latest = createLatestWins(environment, SIGNAL_WINDOW_MS)
  const listeners = new Map<SpaceId, Set<{ name: string; listener: (signal: Signal) => void }>>()
  /** Where others may believe that oneself is typing, and when that was said last. */
  const typedAt = new Map<SpaceId, number>()
  const endOf = (space: SpaceId): string => `${space} ${TYPING.signal} is over`

  const deliver = (space: SpaceId, name: string, data: JsonObject): void => {
    if (isHeard(space)) sendFrames([{ type: 'signal', space, name, data }])
  }

  return {
    send(space, name, data) {
      const bytes = jsonBytes(data)
      if (bytes > LIMITS.maxSignalBytes) {
        const message = `A signal of ${bytes} bytes; the limit is ${LIMITS.maxSignalBytes}.`
        return { ok: false, code: 'too-large', message }
      }
      const parsed = signalFrameSchema.safeParse({ type: 'signal', space, name, data })
      if (!parsed.success)
        return { ok: false, code: 'malformed', message: parsed.error.issues[0]?.message ?? 'not understood' }
      latest.say(`${space} ${name}`, () => deliver(space, name, data))
      return { ok: true }
    },
    notifyTyping(space) {
      // No last word here: one that left after the message it was about would say that the writer goes on.
      const nowMs = environment.nowMs()
      const isRecent = nowMs - (typedAt.get(space) ?? Number.NEGATIVE_INFINITY) < TYPING.againMs
      latest.forget(endOf(space))
      if (isRecent || !isHeard(space)) return
      typedAt.set(space, nowMs)
      deliver(space, TYPING.signal, {})
    },
    stopTyping(space) {
      const saidAtMs = typedAt.get(space)
      if (saidAtMs === undefined || environment.nowMs() - saidAtMs >= TYPING.shownMs) return
      // It may wait, for those who write and erase by turns: a late end does no harm, unless they have begun anew.
      latest.say(endOf(space), () => {
        typedAt.delete(space)
        deliver(space, TYPING.signal, TYPING_END)
      })
    },
    listen(space, name, listener) {
      const entry = { name, listener }
      const known = listeners.get(space) ?? new Set()
      listeners.set(space, known.add(entry))
      return () => {
        known.delete(entry)
        if (known.size === 0 && listeners.get(space) === known) listeners.delete(space)
      }
    },
    hear(space, signal) {
      for (const { name, listener } of listeners.get(space) ?? []) if (name === signal.name) listener(signal)
    },
    wentDown() {
      latest.clear()
      typedAt.clear()
    },
  }
}
