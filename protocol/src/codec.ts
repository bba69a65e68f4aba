/**
 * One WebSocket message carries one or more frames, each one line of JSON, separated by `\n`. Parsing returns a
 * result for each line and never throws on what a peer sent: one bad line does not cost its neighbours.
 */
import type { z } from 'zod'

export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string; path?: string }

/** The first fault of a failed parse as text, with its path as `mutations.0.args.name`. */
export function firstFault(error: z.ZodError): { problem: string; path?: string } {
  const issue = error.issues[0]
  if (issue === undefined) return { problem: 'not understood' }
  const path = issue.path.map(String).join('.')
  return path === '' ? { problem: issue.message } : { problem: issue.message, path }
}

/** How deep the text of a peer may nest: free JSON (MAX_JSON_DEPTH) with room for what stands around it. */
export const MAX_TEXT_DEPTH = 64

/** Code units, so that the loop below compares numbers. */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Whether brackets outside of strings nest deeper than `max`. Measured on the text, in one pass and without recursion,
 * because schemas and `JSON.stringify` recurse: what is too deep must never reach them.
 */
export function nestsDeeperThan(text: string, max: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === OPENING_BRACKET || code === OPENING_BRACE) {
      depth += 1
      if (depth > max) return true
    } else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) depth -= 1
  }
  return false
}

/** Where the string that opens at `start` closes; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

/** What a text says in JSON; a problem if it does not, or nests too deep. */
export function parseText(text: string): Parsed<unknown> {
  if (nestsDeeperThan(text, MAX_TEXT_DEPTH)) return { ok: false, problem: `nests deeper than ${MAX_TEXT_DEPTH}` }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, problem: 'not JSON' }
  }
}

/** Parses text as JSON and checks it against a schema. */
export function parseJson<S extends z.ZodType>(schema: S, text: string): Parsed<z.output<S>> {
  const json = parseText(text)
  return json.ok ? parseValue(schema, json.value) : json
}

/** Checks a value against a schema. */
export function parseValue<S extends z.ZodType>(schema: S, value: unknown): Parsed<z.output<S>> {
  const parsed = schema.safeParse(value)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, ...firstFault(parsed.error) }
}

export const isBlank = (line: string): boolean => line.trim() === ''

/** The lines of a message that hold something. A server counts the blank ones as well, and cuts lines one by one. */
export const splitLines = (message: string): string[] => message.split('\n').filter((line) => !isBlank(line))

/** One frame as one line. JSON escapes line breaks inside strings, so a frame never spans two lines. */
export const encodeFrame = (frame: { type: string }): string => JSON.stringify(frame)

/** Several frames as one message. */
export const encodeMessage = (frames: readonly { type: string }[]): string => frames.map(encodeFrame).join('\n')
