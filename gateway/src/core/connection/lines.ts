/**
 * How one line of a client is let in and read: it costs frames of a budget before it is looked at, a stranger's is read
 * as hello and nothing else, and what is no frame is answered and counted.
 */
import { type Moment, payable, spentTo, stay, waitMs } from '@rhizom/machine'
import {
  type ClientFrame,
  FRAME_ERRORS,
  type HelloFrame,
  isBlank,
  parseClientLine,
  parseHelloLine,
  type SpaceId,
} from '@rhizom/protocol'
import { closeConnection, errorFrame } from './end.ts'
import type {
  AwaitingHello,
  DrainingConnection,
  Inbound,
  LiveConnection,
  OpenConnection,
  ReceivedFrame,
  ConnectionEffect,
  ConnectionLimits,
  ConnectionStep,
} from './state.ts'

export const countFrame = (frame: ReceivedFrame): ConnectionEffect => ({ type: 'countFrame', frame })

const counting = (frame: ReceivedFrame, { state, effects }: ConnectionStep): ConnectionStep => ({
  state,
  effects: [countFrame(frame), ...effects],
})

/**
 * Takes frames of the budget for something and lets it pass, or says that it was refused; those who go on are closed.
 * `line` is what was refused: its space is named, so that a client knows which of its subscriptions that was.
 */
export function charge<State extends OpenConnection>(
  state: State,
  cost: number,
  at: Moment,
  limits: ConnectionLimits,
  pass: (admitted: State) => ConnectionStep,
  line?: string,
): ConnectionStep {
  const { levelAtMs } = state.inbound
  const price = payable(cost, limits.frames)
  const retryAfterMs = waitMs(levelAtMs, limits.frames, at.nowMs, price)
  if (retryAfterMs === 0) {
    const paid = { levelAtMs: spentTo(levelAtMs, limits.frames, at.nowMs, price), refusedInRow: 0 }
    return pass({ ...state, inbound: { ...state.inbound, ...paid } })
  }
  const refusedInRow = state.inbound.refusedInRow + 1
  const inbound: Inbound = { ...state.inbound, refusedInRow }
  const counted: State = { ...state, inbound }
  // A large line stays unread: it is no subscribe.
  const space = state.status === 'live' && line !== undefined && cost === 1 ? spaceNamedBy(line) : undefined
  const refusal = errorFrame('rate-limited', { space, retryAfterMs })
  if (refusedInRow >= limits.maxRefusedInRow) return counting('refused', closeConnection(counted, 'tooMany', [refusal]))
  return { state: counted, effects: [countFrame('refused'), refusal] }
}

function spaceNamedBy(line: string): SpaceId | undefined {
  const parsed = parseClientLine(line)
  return parsed.ok && 'space' in parsed.value ? parsed.value.space : undefined
}

/** Reads a line of a stranger. */
export function readHello(
  state: AwaitingHello,
  line: string,
  limits: ConnectionLimits,
  hello: (state: AwaitingHello, frame: HelloFrame) => ConnectionStep,
  early: (state: AwaitingHello) => ConnectionStep,
): ConnectionStep {
  if (isBlank(line)) return counting('blank', stay(state))
  const parsed = parseHelloLine(line)
  if (!parsed.ok) return malformed(state, problemOf(parsed), limits)
  const { value } = parsed
  switch (value.type) {
    case 'hello':
      return counting('hello', hello(state, value))
    case 'early':
      return early(state)
    case 'ignored':
      return counting('unknown', stay(state))
    default:
      value satisfies never
      return stay(state)
  }
}

/** Reads a line of somebody whose token was verified. */
export function readLine<State extends LiveConnection | DrainingConnection>(
  state: State,
  line: string,
  limits: ConnectionLimits,
  serve: (state: State, frame: ClientFrame) => ConnectionStep,
): ConnectionStep {
  if (isBlank(line)) return counting('blank', stay(state))
  const parsed = parseClientLine(line)
  if (!parsed.ok) return malformed(state, problemOf(parsed), limits)
  if (parsed.value.type === 'ignored') return counting('unknown', stay(state))
  const understood: State = { ...state, inbound: { ...state.inbound, malformedInRow: 0 } }
  return counting(parsed.value.type, serve(understood, parsed.value))
}

const problemOf = ({ problem, path }: { problem: string; path?: string }): string =>
  path === undefined ? problem : `${problem} at ${path}`

export function malformed(state: OpenConnection, problem: string, limits: ConnectionLimits): ConnectionStep {
  const malformedInRow = state.inbound.malformedInRow + 1
  const next: OpenConnection = { ...state, inbound: { ...state.inbound, malformedInRow } }
  const complaint = errorFrame('malformed', { message: `${FRAME_ERRORS.malformed}: ${problem}` })
  if (malformedInRow >= limits.maxMalformedInRow)
    return counting('malformed', closeConnection(next, 'notUnderstood', [complaint]))
  return counting('malformed', { state: next, effects: [complaint] })
}
