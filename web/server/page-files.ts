/**
 * The built page as files of one folder. Every address that is no file is an address within the page, which gets
 * index.html; what looks like a file and is none is missing. A name that begins with a dot is never a file here. What
 * the build compressed is sent so to whoever takes it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { mime, send } from '@fastify/send'
import { sendText } from './answers.ts'
import type { Target } from './request-target.ts'

type PageTarget = Extract<Target, { kind: 'page' }>
export type SendPage = (target: PageTarget, request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Names in it carry a digest of what they hold. */
const HASHED = '/assets/'
const FOR_EVER = 'public, max-age=31536000, immutable'

const looksLikeFile = ({ path, segments }: PageTarget): boolean =>
  path.startsWith(HASHED) ||
  segments.some((segment) => segment.startsWith('.')) ||
  /\.[^/]*$/.test(segments.at(-1) ?? '')

/** Which would be another file where it is read as a slash. */
const hasEscapedSlash = ({ segments }: PageTarget): boolean => segments.some((segment) => segment.includes('/'))

/** Not where it is named only to be ruled out. */
const takesGzip = ({ headers }: IncomingMessage): boolean =>
  (headers['accept-encoding'] ?? '').split(',').some((one) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(one))

export function createPageFiles(root: string): SendPage {
  const options = { root, index: false, cacheControl: false, dotfiles: 'ignore' } as const
  return async (target, request, response) => {
    const isFile = looksLikeFile(target)
    if (isFile && hasEscapedSlash(target)) return sendMissing(response)
    const path = isFile ? target.path : '/index.html'
    const packed = takesGzip(request) ? await send(request, `${path}.gz`, options) : undefined
    const isPacked = packed?.type === 'file'
    if (!isPacked) packed?.stream.destroy()
    const file = isPacked ? packed : await send(request, path, options)
    if (file.type !== 'file') {
      file.stream.destroy()
      // A condition that does not hold, or a part that the file does not have; everything else is no file.
      if (file.statusCode === 412 || file.statusCode === 416) return sendText(response, file.statusCode, 'Not so')
      return sendMissing(response)
    }
    const isAnswered = file.statusCode !== 304
    response.writeHead(file.statusCode, {
      ...file.headers,
      ...(isPacked && isAnswered ? { 'Content-Type': typeOf(path), 'Content-Encoding': 'gzip' } : {}),
      Vary: 'Accept-Encoding',
      'Cache-Control': path.startsWith(HASHED) ? FOR_EVER : 'no-cache',
    })
    await pipeline(file.stream, response)
  }
}

/** As for the file itself. */
const typeOf = (path: string): string => `${mime.getType(path) ?? 'application/octet-stream'}; charset=utf-8`

const sendMissing = (response: ServerResponse): void => sendText(response, 404, 'There is no such file')
