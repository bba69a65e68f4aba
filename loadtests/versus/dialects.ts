/**
 * How the one client of all comparisons speaks to each system: what it says when a connection opens, what it answers,
 * and what it has to remember to go on where it was. As little as each protocol asks, over the same WebSocket library.
 * Pure.
 */

export type DialectName = 'rhizom' | 'plain' | 'socket.io' | 'centrifugo'

/** What a client remembers from one connection to the next. */
export interface Memory {
  epoch?: string
  position?: string
}

export interface Dialect {
  /** What comes after the address of the server. */
  path: string
  /** Said when the connection opens. */
  open(topic: string, token: string, memory: Memory): string[]
  /**
   * What to answer to a message, if anything, and whether the client is watching now. Remembers what it takes to go on.
   * `marks` says whether the message may hold some: a picture of the whole holds what is not news.
   */
  hear(message: Buffer, topic: string, memory: Memory): { say?: string; live?: boolean; marks: boolean }
}

const MARKS = { marks: true } as const
const NONE = { marks: false } as const

/** What stands in quotes, or the digits, after the last or first occurrence of a key. */
function after(message: Buffer, key: string, last: boolean): string | undefined {
  const at = last ? message.lastIndexOf(key) : message.indexOf(key)
  if (at < 0) return undefined
  return /^"?([^",}\]]+)/.exec(message.toString('latin1', at + key.length, at + key.length + 80))?.[1]
}

const startsWith = (message: Buffer, text: string): boolean => message.toString('latin1', 0, text.length) === text

const rhizom: Dialect = {
  path: '/v1/sync',
  open: (space, token, { epoch, position }) => [
    JSON.stringify({ type: 'hello', protocol: 1, token }),
    JSON.stringify({
      type: 'subscribe',
      space,
      present: false,
      ...(epoch !== undefined && { epoch, after: Number(position) }),
    }),
  ],
  hear(message, _topic, memory) {
    const isSnapshot = message.includes('{"type":"snapshot"')
    const isRun = !isSnapshot && (message.includes('{"type":"changes"') || message.includes('{"type":"resumed"'))
    if (!isSnapshot && !isRun) return NONE
    const epoch = after(message, '"epoch":', false)
    const position = isSnapshot ? after(message, '"version":', false) : after(message, '"to":', true)
    if (epoch !== undefined) memory.epoch = epoch
    if (position !== undefined) memory.position = position
    return { live: true, marks: isRun }
  },
}

/** The server sends what was published, and one word when the client is in. */
const plain: Dialect = {
  path: '/',
  open: () => [],
  hear: (message) => (startsWith(message, 'in') ? { live: true, marks: false } : MARKS),
}

/** Engine.IO 4 and Socket.IO 5 over a WebSocket, with connection state recovery. */
const socketIo: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  open: () => [],
  hear(message, _topic, memory) {
    if (startsWith(message, '42')) {
      // With recovery on, the last argument of each event is where it stands in the log.
      const offset = /,"(\d+-\d+)"\]$/.exec(message.toString('latin1', Math.max(2, message.length - 48)))?.[1]
      if (offset !== undefined) memory.position = offset
      return MARKS
    }
    if (startsWith(message, '2')) return { say: '3', marks: false }
    if (startsWith(message, '0')) {
      const known = { pid: memory.epoch, offset: memory.position }
      return { say: memory.position === undefined ? '40' : `40${JSON.stringify(known)}`, marks: false }
    }
    if (!startsWith(message, '40')) return NONE
    const pid = after(message, '"pid":', false)
    if (pid !== undefined) memory.epoch = pid
    return { live: true, marks: false }
  },
}

const centrifugo: Dialect = {
  path: '/connection/websocket',
  open: (channel, _token, { epoch, position }) => [
    JSON.stringify({ id: 1, connect: {} }),
    JSON.stringify({
      id: 2,
      subscribe: { channel, ...(epoch !== undefined && { recover: true, epoch, offset: Number(position ?? 0) }) },
    }),
  ],
  hear(message, _topic, memory) {
    if (startsWith(message, '{}')) return { say: '{}', marks: false }
    const offset = after(message, '"offset":', true)
    if (offset !== undefined) memory.position = offset
    const live = message.includes('"subscribe":{')
    const epoch = live ? after(message, '"epoch":', false) : undefined
    if (epoch !== undefined) memory.epoch = epoch
    return { live, marks: true }
  },
}

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { rhizom, plain, 'socket.io': socketIo, centrifugo }
