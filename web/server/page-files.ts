/**
 * The built page as files of one folder. Every address that is no file is an address within the page, which gets
 * index.html; what looks like a file and is none is missing. A name that begins with a dot is never a file here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { send } from '@fastify/send'
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

export function createPageFiles(root: string): SendPage {
  return async (target, request, response) => {
    const isFile = looksLikeFile(target)
    if (isFile && hasEscapedSlash(target)) return sendMissing(response)
    const path = isFile ? target.path : '/index.html'
    const file = await send(request, path, { root, index: false, cacheControl: false, dotfiles: 'ignore' })
    if (file.type !== 'file') {
      file.stream.destroy()
      // A condition that does not hold, or a part that the file does not have; everything else is no file.
      if (file.statusCode === 412 || file.statusCode === 416) return sendText(response, file.statusCode, 'Not so')
      return sendMissing(response)
    }
    response.writeHead(file.statusCode, {
      ...file.headers,
      'Cache-Control': path.startsWith(HASHED) ? FOR_EVER : 'no-cache',
    })
    await pipeline(file.stream, response)
  }
}

const sendMissing = (response: ServerResponse): void => sendText(response, 404, 'There is no such file')
