/** What the nodes of the suite are told, so that what takes a while in production can be waited for in a test. */

/** How long those stay who mean to stay for ever. */
export const LOITER_MS = 2_500
/** Within this every peer that says nothing, or half of it, is closed. */
export const CLOSED_WITHIN_MS = 15_000

export const GATEWAY_SETTINGS = {
  HELLO_TIMEOUT_MS: '5000',
  LINGER_MS: '300',
  STALL_TIMEOUT_MS: '1500',
} as const

export const API_SETTINGS = {
  REQUEST_TIMEOUT_MS: '5000',
  ANSWER_TIMEOUT_MS: '2000',
  // A machine that is busy with other things is no outage.
  DATABASE_DEADLINE_MS: '20000',
} as const

/** So that a fuzz is answered by what it says, and not by how often it speaks. */
export const RAISED_LIMITS = {
  api: {
    SESSIONS_PER_SECOND: '0',
    MUTATIONS_PER_SECOND: '1000000',
    MUTATIONS_BURST: '1000000',
    SIGNALS_PER_SECOND: '1000000',
    SIGNALS_BURST: '1000000',
    STORED_BYTES_PER_SECOND: '0',
    SPACE_BYTES_PER_SECOND: '0',
    SENT_BYTES_PER_SECOND: '0',
  },
  gateway: {
    SENT_BYTES_PER_SECOND: '0',
    FRAMES_PER_SECOND: '1000000',
    FRAMES_BURST: '1000000',
    MAX_REFUSED_FRAMES: '1000000',
    MAX_MALFORMED_FRAMES: '1000000',
  },
} as const
