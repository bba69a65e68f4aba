/**
 * What an answer over HTTP must be, whatever was asked: a success, or a problem document with a code of the contract.
 */
import { PROBLEMS, problemSchema } from '@rhizom/protocol'
import type { HttpAnswer } from './bytes/http-bytes.ts'

const isCode = (code: string): code is keyof typeof PROBLEMS => code in PROBLEMS

/** What is wrong with it; undefined where nothing is. */
export function problemOfAnswer({ status, headers, body }: HttpAnswer): string | undefined {
  if (status >= 200 && status < 400) return undefined
  if (status >= 500 && status !== 503) return `answered ${status}: ${body.slice(0, 200)}`
  if (headers.get('content-type')?.startsWith('application/problem+json') !== true)
    return `answered ${status} as ${headers.get('content-type') ?? 'nothing'}`
  const parsed = parse(body)
  if (parsed === undefined) return `answered ${status} with no problem document: ${body.slice(0, 200)}`
  if (!isCode(parsed.code) || PROBLEMS[parsed.code].status !== status)
    return `answered ${status} with the code ${parsed.code}`
  return undefined
}

function parse(body: string): { code: string } | undefined {
  try {
    return problemSchema.safeParse(JSON.parse(body)).data
  } catch {
    return undefined
  }
}
