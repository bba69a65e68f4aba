/** How a step of the connection machine ends: as it was, with a complaint, or closed. There is one way to close. */
import { type CloseName, FRAME_ERRORS, type FrameErrorCode } from '@rhizom/protocol'
import type { ConnectionEffect, ConnectionStep, OpenConnection } from './state.ts'
import { watchedSpaces } from './watching.ts'

interface ErrorExtra {
  space?: string | undefined
  retryAfterMs?: number | undefined
  message?: string
}

export const errorFrame = (code: FrameErrorCode, extra: ErrorExtra = {}): ConnectionEffect => ({
  type: 'sendFrame',
  frame: {
    type: 'error',
    code,
    message: extra.message ?? FRAME_ERRORS[code],
    ...(extra.space === undefined ? {} : { space: extra.space }),
    // Clocks have fractions of milliseconds, the contract has none.
    ...(extra.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(extra.retryAfterMs) }),
  },
})

/** Sends the last frame, unwatches every space, closes the socket. */
export function closeConnection(
  state: OpenConnection,
  close: CloseName,
  lastWords: readonly ConnectionEffect[] = [],
): ConnectionStep {
  const { state: closed, effects } = socketClosed(state)
  return { state: closed, effects: [...lastWords, ...effects, { type: 'closeSocket', close }] }
}

/** The socket is gone already, or goes with this. */
export function socketClosed(state: OpenConnection): ConnectionStep {
  const spaces = 'following' in state ? watchedSpaces(state) : []
  const effects = spaces.map((space): ConnectionEffect => ({ type: 'unwatch', space }))
  return { state: { status: 'closed', id: state.id }, effects }
}
