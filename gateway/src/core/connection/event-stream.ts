/**
 * Server-sent events as another way to carry a connection: the address of a stream says what it follows, and each
 * frame is an event. What a client says by frames over a WebSocket (hello, subscribe) is said here by the header
 * and the address, and read by the same machine (machine.ts).
 */
import { CLOSE, closePolicy, parseClientLine, type ProblemCode, PROTOCOL_VERSION } from '@rhizom/protocol'

export type StreamRequest = { ok: true; lines: readonly string[] } | { ok: false; problem: string }

/**
 * The subscriptions that a query asks for, as lines of a client. Each `space` begins one and what follows belongs to
 * it (`space=@a&epoch=…&after=4&space=@b`), so that one stream carries all that a page watches: a browser allows few.
 * With none it is a stream that says `welcome` and beats, and with `follow=1` tells what is new in all one's spaces.
 * `lastEventId` is the position (`<epoch>:<version>`) that a browser's own EventSource names when it comes back; it
 * says which space it belongs to only if there is one.
 */
export function readStreamQuery(query: string, lastEventId: string): StreamRequest {
  const asked: Record<string, unknown>[] = []
  let follows = false
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'follow') follows = FLAGS.get(value) ?? false
    if (name === 'space') asked.push({ type: 'subscribe', space: value })
    const subscription = asked.at(-1)
    if (subscription === undefined) continue
    if (name === 'epoch') subscription['epoch'] = value
    if (name === 'after') subscription['after'] = /^\d{1,15}$/.test(value) ? Number(value) : value
    if (name === 'present') subscription['present'] = FLAGS.get(value) ?? value
  }
  const [only] = asked
  const last = /^([\w-]+):(\d{1,15})$/.exec(lastEventId)
  if (only !== undefined && asked.length === 1 && last !== null)
    Object.assign(only, { epoch: last[1], after: Number(last[2]) })
  const lines = asked.map((subscription) => JSON.stringify(subscription))
  for (const line of lines) {
    const parsed = parseClientLine(line)
    if (!parsed.ok)
      return { ok: false, problem: parsed.path === undefined ? parsed.problem : `${parsed.problem} at ${parsed.path}` }
  }
  return { ok: true, lines: follows ? [...lines, FOLLOW] : lines }
}

const FOLLOW = JSON.stringify({ type: 'follow' })

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

export const helloLine = (token: string): string => JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, token })

/** Where a frame takes its reader. Frames are written with these fields first, and no id holds a quotation mark. */
const POSITION =
  /^\{"type":"(?:snapshot|resumed|changes)","space":"[^"]*","epoch":"([^"]*)",(?:"version":(\d+)|"from":\d+,"to":(\d+))/

function positionAfter(line: string): string | undefined {
  const found = POSITION.exec(line)
  return found === null ? undefined : `${found[1]}:${found[2] ?? found[3]}`
}

/** A message of frames, one a line, as events; those that take a reader on carry the position as their id. */
export function eventsOf(message: string): string {
  let events = ''
  for (const line of message.split('\n')) {
    const position = positionAfter(line)
    events += position === undefined ? `data: ${line}\n\n` : `id: ${position}\ndata: ${line}\n\n`
  }
  return events
}

/** How a stream ends: what a WebSocket says by its close code. */
export const closeEvent = (code: number, reason: string): string =>
  `event: close\ndata: ${JSON.stringify({ type: 'close', code, reason })}\n\n`

const PROBLEM_OF_CLOSE: ReadonlyMap<number, ProblemCode> = new Map([
  [CLOSE.tokenExpired.code, 'token-expired'],
  [CLOSE.notAuthenticated.code, 'not-authenticated'],
  [CLOSE.originNotAllowed.code, 'forbidden'],
  [CLOSE.tooMany.code, 'rate-limited'],
])

/** The answer to a request that becomes no stream. What helps later is 503, so that no proxy keeps it for good. */
export const problemOfClose = (code: number): ProblemCode =>
  PROBLEM_OF_CLOSE.get(code) ?? (closePolicy(code) === 'stop' ? 'malformed' : 'unavailable')
