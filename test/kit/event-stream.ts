/** Reads server-sent events as a stranger's client would: fields of a line each, and an empty line after each event. */
import type { IncomingMessage } from 'node:http'

export interface StreamEvent {
  id: string | undefined
  event: string | undefined
  data: string
}

/** Gives each event that carries something, as it comes. */
export function readEvents(response: IncomingMessage, take: (event: StreamEvent) => void): void {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const lines = part.split('\n').map((line) => [line.indexOf(': '), line] as const)
      const fields = new Map(lines.map(([colon, line]) => [line.slice(0, colon), line.slice(colon + 2)]))
      const data = fields.get('data')
      if (data !== undefined) take({ id: fields.get('id'), event: fields.get('event'), data })
    }
  })
}
