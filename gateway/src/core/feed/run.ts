/**
 * A run: changes `from+1 … to` of one epoch as the bytes of the `changes` frame that clients get. Runs are what the bus
 * carries, what a read of the log brings, what the ring keeps and what fan-out sends; nothing here decides anything.
 *
 * The frame of a run always has the field order of `encodeRun`, so that the bytes between the brackets of `changes`
 * can be cut out and joined with others without parsing them.
 */
import {
  altersAccess,
  type ChangeKind,
  changeSchema,
  type ChangesMessage,
  type Epoch,
  erasesWords,
  parseText,
  type Range,
  type SpaceId,
} from '@rhizom/protocol'
import { concat, type OpenFrame } from './open-frame.ts'

export interface Run extends Range {
  altersAccess: boolean
  /** Whether it removes words that earlier runs carry (erase.ts). */
  erases: boolean
  frame: Uint8Array
  /** Where the first change begins in `frame`; the last ends two bytes before its end. */
  bodyStart: number
}

/** What a gateway needs to know of a change; the rest is forwarded as it came, also fields of a later release. */
export interface LooseChange extends Record<string, unknown> {
  version: number
  kind: string
  body: Record<string, unknown>
}

type Fields = Record<string, unknown>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isLooseChange = (value: unknown): value is LooseChange =>
  isObject(value) &&
  Number.isSafeInteger(value['version']) &&
  typeof value['kind'] === 'string' &&
  isObject(value['body'])

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const TAIL = encoder.encode(']}')
const COMMA = encoder.encode(',')

const headOf = (space: SpaceId, { epoch, from, to }: Range): string =>
  `{"type":"changes","space":${JSON.stringify(space)},"epoch":${JSON.stringify(epoch)},"from":${from},"to":${to},"changes":[`

const kinds = new Map<string, ChangeKind>(changeSchema.options.map(({ shape: { kind } }) => [kind.value, kind.value]))

const mayErase = (name: string): boolean => {
  const kind = kinds.get(name)
  return kind !== undefined && erasesWords(kind)
}

/** A kind that this release does not know is looked at as closely as those that alter access. */
const mayAlterAccess = (name: string): boolean => {
  const kind = kinds.get(name)
  return kind === undefined || altersAccess(kind)
}

/** The run of the given changes, which must be contiguous and not empty. */
export function encodeRun(space: SpaceId, epoch: Epoch, from: number, changes: readonly LooseChange[]): Run {
  const range = { epoch, from, to: from + changes.length }
  const head = headOf(space, range)
  const body = changes.map((change) => JSON.stringify(change)).join(',')
  return {
    ...range,
    altersAccess: changes.some((change) => mayAlterAccess(change.kind)),
    erases: changes.some((change) => mayErase(change.kind)),
    frame: encoder.encode(`${head}${body}]}`),
    bodyStart: encoder.encode(head).length,
  }
}

const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean => {
  if (bytes.length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false
  return true
}

/**
 * The run of a message from the bus. Its bytes are taken as they are where the frame is written as we write it, which
 * is the rule; one that another release wrote differently is rewritten. Nothing if it cannot be understood.
 */
export function runFromMessage(space: SpaceId, message: ChangesMessage): Run | undefined {
  const { epoch, from, to, altersAccess, erases, frame } = message
  const head = encoder.encode(headOf(space, message))
  const tail = frame.subarray(-TAIL.length)
  if (startsWith(frame, head) && startsWith(tail, TAIL))
    return { epoch, from, to, altersAccess, erases, frame, bodyStart: head.length }
  const parsed = parseJson(frame)
  if (!isObject(parsed) || parsed['space'] !== space || parsed['epoch'] !== epoch) return undefined
  const changes = contiguous(parsed['changes'], from, to)
  return changes === undefined ? undefined : { ...encodeRun(space, epoch, from, changes), altersAccess, erases }
}

/** The bytes of the changes of a run, without the brackets around them. */
export const bodyOf = (run: Run): Uint8Array => run.frame.subarray(run.bodyStart, run.frame.length - TAIL.length)

/** The changes of a run, or nothing if its bytes do not hold what its range says. */
export function changesOf(run: Run): readonly LooseChange[] | undefined {
  const changes = parseJson(concat([encoder.encode('['), bodyOf(run), encoder.encode(']')]))
  return contiguous(changes, run.from, run.to)
}

/** The part of a run after a version, or nothing if its bytes cannot be read. The run must reach past that version. */
export function trimRun(space: SpaceId, run: Run, after: number): Run | undefined {
  if (run.from >= after) return run
  const changes = changesOf(run)
  if (changes === undefined) return undefined
  const rest = changes.slice(after - run.from)
  return { ...encodeRun(space, run.epoch, after, rest), altersAccess: run.altersAccess }
}

/** The answer to a `subscribe` from a position. */
export function encodeResumed(space: SpaceId, { epoch, from, to }: Range, runs: readonly Run[]): OpenFrame {
  const head = headOf(space, { epoch, from, to }).replace('"changes"', '"resumed"')
  const parts: Uint8Array[] = [encoder.encode(head)]
  for (const [index, run] of runs.entries()) {
    if (index > 0) parts.push(COMMA)
    parts.push(bodyOf(run))
  }
  parts.push(encoder.encode(']'))
  return { bytes: concat(parts) }
}

/** The changes `from+1 … to`, if that is what `value` is. */
function contiguous(value: unknown, from: number, to: number): readonly LooseChange[] | undefined {
  if (!Array.isArray(value) || value.length !== to - from) return undefined
  const items: readonly unknown[] = value
  const changes = items.filter(isLooseChange)
  return changes.length === items.length && changes.every((change, index) => change.version === from + index + 1)
    ? changes
    : undefined
}

/** What bytes say in JSON; nothing if they do not. */
function parseJson(bytes: Uint8Array): unknown {
  const parsed = parseText(decoder.decode(bytes))
  return parsed.ok ? parsed.value : undefined
}
