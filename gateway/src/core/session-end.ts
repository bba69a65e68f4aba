/** How a session step ends: as it was, with a complaint, or closed. There is one way to close. */
import { type CloseName, FRAME_ERRORS, type FrameErrorCode } from '@rhizom/protocol'
import type { OpenSession, SessionEffect, SessionState } from './session-state.ts'

export interface Outcome {
  state: SessionState
  effects: readonly SessionEffect[]
}

export const stay = (state: SessionState): Outcome => ({ state, effects: [] })

interface ErrorExtra {
  space?: string | undefined
  retryAfterMs?: number | undefined
  message?: string
}

export const errorFrame = (code: FrameErrorCode, extra: ErrorExtra = {}): SessionEffect => ({
  type: 'sendFrame',
  frame: {
    type: 'error',
    code,
    message: extra.message ?? FRAME_ERRORS[code],
    ...(extra.space === undefined ? {} : { space: extra.space }),
    ...(extra.retryAfterMs === undefined ? {} : { retryAfterMs: extra.retryAfterMs }),
  },
})

/** Says the last words, lets go of every space, closes the socket. */
export function closeSession(state: OpenSession, close: CloseName, lastWords: readonly SessionEffect[] = []): Outcome {
  const spaces = 'subscriptions' in state ? [...state.subscriptions.keys()] : []
  const unwatch = spaces.map((space): SessionEffect => ({ type: 'unwatch', space }))
  return {
    state: { status: 'closed', session: state.session },
    effects: [...lastWords, ...unwatch, { type: 'closeSocket', close }],
  }
}
