/** HTTP/1.1 by bytes: requests as they should and should not be, and the answers of a server one after the other. */

export interface HttpAnswer {
  status: number
  headers: ReadonlyMap<string, string>
  body: string
}

export interface HttpRequest {
  method: string
  path: string
  headers?: readonly (readonly [string, string])[]
  body?: string | Uint8Array
}

/** A request with what belongs to it: host, and length of its body. */
export function httpRequest(host: string, { method, path, headers = [], body }: HttpRequest): Buffer {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(bytes === undefined ? [] : [`Content-Length: ${bytes.length}`]),
    '',
    '',
  ].join('\r\n')
  return bytes === undefined ? Buffer.from(head, 'latin1') : Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}

const END_OF_HEAD = '\r\n\r\n'
const CONTINUE = 100
const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304

/** Cuts what comes into answers. `expects` tells of each whether it answers HEAD, which has no body. */
export class AnswerReader {
  readonly #answered: (answer: HttpAnswer) => void
  readonly #isHead: () => boolean
  #rest: Buffer = Buffer.alloc(0)

  constructor(answered: (answer: HttpAnswer) => void, isHead: () => boolean = () => false) {
    this.#answered = answered
    this.#isHead = isHead
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#take());
  }

  #take(): boolean {
    const end = this.#rest.indexOf(END_OF_HEAD)
    if (end < 0) return false
    const [statusLine = '', ...lines] = this.#rest.subarray(0, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0)
    const headers = new Map(lines.map((line) => split(line)))
    const start = end + END_OF_HEAD.length
    const found =
      hasNoBody(status) || this.#isHead() ? { body: Buffer.alloc(0), end: start } : bodyOf(this.#rest, start, headers)
    if (found === undefined) return false
    this.#rest = this.#rest.subarray(found.end)
    if (status !== CONTINUE) this.#answered({ status, headers, body: found.body.toString('utf8') })
    return true
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
}

function bodyOf(
  bytes: Buffer,
  start: number,
  headers: ReadonlyMap<string, string>,
): { body: Buffer; end: number } | undefined {
  if (headers.get('transfer-encoding') === 'chunked') return chunksOf(bytes, start)
  const length = Number(headers.get('content-length') ?? 0)
  return bytes.length < start + length
    ? undefined
    : { body: bytes.subarray(start, start + length), end: start + length }
}

function chunksOf(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    const from = lineEnd + 2
    if (!(size >= 0) || bytes.length < from + size + 2) return undefined
    if (size === 0) return { body: Buffer.concat(parts), end: from + 2 }
    parts.push(bytes.subarray(from, from + size))
    at = from + size + 2
  }
}
