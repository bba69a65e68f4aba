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

/** Parses text as JSON and checks it against a schema. */
export function parseJson<S extends z.ZodType>(schema: S, text: string): Parsed<z.output<S>> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { ok: false, problem: 'not JSON' }
  }
  const parsed = schema.safeParse(json)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, ...firstFault(parsed.error) }
}

/** The lines of a message. Empty lines are allowed and skipped. */
export const splitLines = (message: string): string[] => message.split('\n').filter((line) => line.trim() !== '')

/** One frame as one line. JSON escapes line breaks inside strings, so a frame never spans two lines. */
export const encodeFrame = (frame: { type: string }): string => JSON.stringify(frame)

/** Several frames as one message. */
export const encodeMessage = (frames: readonly { type: string }[]): string => frames.map(encodeFrame).join('\n')
