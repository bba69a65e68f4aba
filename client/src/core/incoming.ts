/**
 * Reading what a server sends that may be newer than this client. Frames and answers are read by the checks of the
 * protocol. Where one does not fit, each entity in it is looked at by itself: what is of a type, a role or a state that
 * this client does not know is left out, and all else is taken, so that no space is lost to one entity in it.
 *
 * A change whose `put` is left out stays in its run as `opaque`: versions go on without a gap, and what the client held
 * of that entity is removed, because it is that no more. A `remove` or an `append` is never left out: without it the
 * content would be another.
 */
import {
  beingCheck,
  type Change,
  changeCheck,
  type ChangesFrame,
  checkValue,
  type Ignored,
  intentionCheck,
  isChangeKind,
  isJsonObject,
  memberCheck,
  type Parsed,
  parseText,
  readServerLine,
  type ResumedFrame,
  type ServerFrame,
  serverFrameCheck,
  spaceCheck,
  splitLines,
  versionCheck,
} from '@rhizom/protocol'

/** A change that this client knows no more of than its version, and which entity it puts if that can be told. */
export interface OpaqueChange {
  kind: 'opaque'
  version: number
  /** Its kind as the server calls it, and the id of what it puts. */
  puts: { kind: string; id: string } | undefined
}

export type IncomingChange = Change | OpaqueChange

type WithIncoming<Frame> = Omit<Frame, 'changes'> & { changes: readonly IncomingChange[] }

/** A frame of a server of any age. */
export type IncomingFrame =
  | Exclude<ServerFrame, ChangesFrame | ResumedFrame>
  | WithIncoming<ChangesFrame>
  | WithIncoming<ResumedFrame>

/** What was left out, in a few words that are the same for all of its sort. */
export type LeftOut = string

export type IncomingLine = (Parsed<IncomingFrame> | Ignored) & { leftOut: readonly LeftOut[] }

const ENTITY_LISTS = {
  intentions: { name: 'intention', check: intentionCheck },
  beings: { name: 'being', check: beingCheck },
  members: { name: 'member', check: memberCheck },
  spaces: { name: 'space', check: spaceCheck },
}

/** The frames of one message, each with what was left out of it. */
export const readServerMessage = (message: string): IncomingLine[] => splitLines(message).map(readLine)

function readLine(line: string): IncomingLine {
  const strict = readServerLine(line)
  if (strict.ok) return { ...strict, leftOut: [] }
  const parsed = parseText(line)
  return parsed.ok && isJsonObject(parsed.value) ? readFrame(parsed.value) : { ...strict, leftOut: [] }
}

function readFrame(json: Record<string, unknown>): IncomingLine {
  const { kept, leftOut } = withoutUnknown(json)
  const { changes } = json
  if (!Array.isArray(changes)) return { ...checkValue(serverFrameCheck, kept), leftOut }
  const read = changes.map(readChange)
  const known = changes.filter((_, index) => read[index]?.opaque === undefined)
  const frame = checkValue(serverFrameCheck, { ...kept, changes: known })
  if (!frame.ok || !('changes' in frame.value)) return { ...frame, leftOut }
  const opaque = read.flatMap((one) => one.opaque ?? [])
  const all = [...frame.value.changes, ...opaque].sort((a, b) => a.version - b.version)
  return {
    ok: true,
    value: { ...frame.value, changes: all },
    leftOut: [...leftOut, ...read.flatMap((one) => one.leftOut ?? [])],
  }
}

/** An answer to a request that lists entities. */
export function readAnswer<T>(
  text: string,
  read: (json: unknown) => Parsed<T>,
): { answer: Parsed<T>; leftOut: readonly LeftOut[] } {
  const parsed = parseText(text)
  if (!parsed.ok) return { answer: parsed, leftOut: [] }
  const strict = read(parsed.value)
  if (strict.ok || !isJsonObject(parsed.value)) return { answer: strict, leftOut: [] }
  const { kept, leftOut } = withoutUnknown(parsed.value)
  return { answer: read(kept), leftOut }
}

function withoutUnknown(json: Record<string, unknown>): { kept: Record<string, unknown>; leftOut: LeftOut[] } {
  const kept = { ...json }
  const leftOut: LeftOut[] = []
  for (const [field, { name, check }] of Object.entries(ENTITY_LISTS)) {
    const list = json[field]
    if (!Array.isArray(list)) continue
    kept[field] = list.filter((entity) => {
      const read = checkValue<unknown>(check, entity)
      if (!read.ok) leftOut.push(describe(name, read))
      return read.ok
    })
  }
  return { kept, leftOut }
}

/** `opaque` for a change that is left out; neither for one that is known, or wrong beyond that. */
function readChange(json: unknown): { opaque?: OpaqueChange; leftOut?: LeftOut } {
  const read = checkValue(changeCheck, json)
  if (read.ok || !isJsonObject(json)) return {}
  const { kind, body } = json
  const version = checkValue(versionCheck, json['version'])
  if (typeof kind !== 'string' || !version.ok) return {}
  if (!isChangeKind(kind))
    return { opaque: { kind: 'opaque', version: version.value, puts: undefined }, leftOut: `change of kind ${kind}` }
  if (!kind.endsWith('.put')) return {}
  const id = isJsonObject(body) ? (body['id'] ?? body['being']) : undefined
  const puts = typeof id === 'string' ? { kind, id } : undefined
  return { opaque: { kind: 'opaque', version: version.value, puts }, leftOut: describe(kind, read) }
}

const describe = (name: string, { problem, path }: { problem: string; path?: string }): LeftOut =>
  `${name} (${path ?? 'whole'}: ${problem})`
