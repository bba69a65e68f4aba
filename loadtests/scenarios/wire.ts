/**
 * The few words of the protocol that the load test speaks. k6 runs files, not packages, so it cannot import
 * @rhizom/protocol; wire.test.ts holds these words equal to the contract. Nothing of Node is imported here.
 */
import type { ToldHere } from './roster.ts'

export const PROTOCOL_VERSION = 1
export const SYNC_PATH = '/v1/sync'

export interface SeenChange {
  version: number
  /** The database's clock at commit, in milliseconds since 1970. */
  at: number
  kind: string
  mutation: string
}

/** What a load test's client cares about in a frame; every other frame is `other`. */
export type Frame =
  | { type: 'welcome' }
  | { type: 'snapshot'; space: string; epoch: string; version: number; here: ToldHere[] }
  | { type: 'run'; space: string; epoch: string; from: number; to: number; changes: SeenChange[]; here?: ToldHere[] }
  | { type: 'presence'; space: string; joined: ToldHere[]; left: string[] }
  | { type: 'refused'; code: string; space: string | undefined; retryAfterMs: number | undefined }
  | { type: 'goodbye'; reconnectAfterMs: number }
  | { type: 'other' }

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const isChange = (value: unknown): value is SeenChange =>
  isFields(value) &&
  typeof value['version'] === 'number' &&
  typeof value['at'] === 'number' &&
  typeof value['kind'] === 'string' &&
  typeof value['mutation'] === 'string'

const isHere = (value: unknown): value is ToldHere =>
  isFields(value) && typeof value['being'] === 'string' && typeof value['since'] === 'number'

/** Those who are here, as far as they are told: some answers of the api leave them out. */
const hereOf = (value: unknown): ToldHere[] => (Array.isArray(value) ? value.filter(isHere) : [])

/** Reads one line of a message. A line that is no frame at all throws: in a load test that is a finding. */
export function readFrame(line: string): Frame {
  const frame: unknown = JSON.parse(line)
  if (!isFields(frame)) throw new Error(`not a frame: ${line.slice(0, 200)}`)
  const { type, space, epoch, version, from, to, changes, code, retryAfterMs, reconnectAfterMs } = frame
  const { here, joined, left } = frame
  switch (type) {
    case 'welcome':
      return { type }
    case 'snapshot':
      if (typeof space === 'string' && typeof epoch === 'string' && typeof version === 'number') {
        return { type, space, epoch, version, here: hereOf(here) }
      }
      break
    case 'changes':
    case 'resumed':
      if (
        typeof space === 'string' &&
        typeof epoch === 'string' &&
        typeof from === 'number' &&
        typeof to === 'number' &&
        Array.isArray(changes) &&
        changes.every(isChange)
      ) {
        return { type: 'run', space, epoch, from, to, changes, ...(type === 'resumed' && { here: hereOf(here) }) }
      }
      break
    case 'presence':
      if (typeof space === 'string' && Array.isArray(joined) && Array.isArray(left)) {
        return { type, space, joined: hereOf(joined), left: left.map(String) }
      }
      break
    case 'error':
    case 'unsubscribed':
      return {
        type: 'refused',
        code: String(code),
        space: typeof space === 'string' ? space : undefined,
        retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
      }
    case 'goodbye':
      return { type, reconnectAfterMs: typeof reconnectAfterMs === 'number' ? reconnectAfterMs : 0 }
    default:
      return { type: 'other' }
  }
  throw new Error(`not understood: ${line.slice(0, 200)}`)
}

/** The frames of a message, one a line. */
export const readMessage = (message: string): Frame[] =>
  message
    .split('\n')
    .filter((line) => line !== '')
    .map(readFrame)

export const helloLine = (token: string): string => JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, token })

/** A load test's client watches and is not here, unless it is one of those that come and go. */
export const subscribeLine = (space: string, held?: { epoch: string; version: number }, present = false): string =>
  JSON.stringify({
    type: 'subscribe',
    space,
    present,
    ...(held === undefined ? {} : { epoch: held.epoch, after: held.version }),
  })

export interface Mutation {
  id: string
  space: string
  name: string
  args: Record<string, unknown>
}

/** A uuid of version 7: the time in front, so that they sort by it. `random` gives numbers in [0, 1). */
export function uuidV7(nowMs: number, random: () => number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  const bits = (count: number): number => Math.floor(random() * 2 ** count)
  const time = hex(nowMs, 12)
  const variant = hex(8 + bits(2), 1)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(bits(12), 3)}-${variant}${hex(bits(12), 3)}-${hex(bits(48), 12)}`
}
