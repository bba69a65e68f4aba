/**
 * How oneself is here: in which spaces, and in which state. It is told with every subscription, so that a gateway
 * that never heard of it learns it; in between, of many states in a row only the latest is sent.
 */
import {
  type ClientFrameInput,
  jsonBytes,
  type JsonObject,
  LIMITS,
  presenceStateSchema,
  type SpaceId,
} from '@rhizom/protocol'
import type { Environment } from '../runtime/environment.ts'
import { createLatestWins } from './latest-wins.ts'
import type { Said } from './signals.ts'

/** Five states a second in one space: a cursor moves well, and a connection may say twenty things a second. */
const STATE_WINDOW_MS = 200

export interface OwnPresence {
  set(space: SpaceId, state: JsonObject): Said
  /** The state set last; an empty one if there is none. */
  stateIn(space: SpaceId): JsonObject
  /** A subscription was answered: the frame that says the state anew, if there is one to say. */
  answered(space: SpaceId): ClientFrameInput[]
  forget(space: SpaceId): void
  stop(): void
}

export interface OwnPresenceParts {
  environment: Pick<Environment, 'after'>
  /** Whether oneself counts as here in the space and the gateway knows it. */
  isHere(space: SpaceId): boolean
  sendFrames(frames: readonly ClientFrameInput[]): void
  /** A state was set, whether or not it can be told now. */
  onSet?(space: SpaceId): void
}

const NO_STATE: JsonObject = {}

export function createOwnPresence({ environment, isHere, sendFrames, onSet }: OwnPresenceParts): OwnPresence {
  const latest = createLatestWins(environment, STATE_WINDOW_MS)
  const states = new Map<SpaceId, JsonObject>()

  const framesOf = (space: SpaceId): ClientFrameInput[] => {
    const state = states.get(space)
    return state === undefined || !isHere(space) ? [] : [{ type: 'presence', space, state }]
  }

  return {
    set(space, state) {
      const bytes = jsonBytes(state)
      if (bytes > LIMITS.maxStateBytes) {
        const message = `A state of ${bytes} bytes; the limit is ${LIMITS.maxStateBytes}.`
        return { ok: false, code: 'too-large', message }
      }
      const parsed = presenceStateSchema.safeParse(state)
      if (!parsed.success)
        return { ok: false, code: 'malformed', message: parsed.error.issues[0]?.message ?? 'not understood' }
      states.set(space, state)
      onSet?.(space)
      latest.say(space, () => sendFrames(framesOf(space)))
      return { ok: true }
    },
    stateIn: (space) => states.get(space) ?? NO_STATE,
    answered(space) {
      latest.forget(space)
      return framesOf(space)
    },
    forget(space) {
      latest.forget(space)
      states.delete(space)
    },
    stop() {
      latest.clear()
      states.clear()
    },
  }
}
