/**
 * Watches the log files of the parts: what is an error goes to the screen, and a file that grows past its bound is
 * moved aside. The parts write to their files themselves; this only reads along, so that nothing here can hold them up.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { dirname } from 'node:path'

const MAX_BYTES = 32 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const PINO_ERROR = 50

/** Says what a line of a log is worth on the screen: the text to show, or nothing. */
export type ReadLine = (line: string) => string | undefined

/** A line of pino: shown from level error on. */
export const pinoErrors: ReadLine = (line) => {
  if (!line.startsWith('{')) return /^\s+at |^Node\.js v|^\s*$/.test(line) ? undefined : line
  const entry = parseObject(line)
  const { level, msg, err } = entry ?? {}
  if (typeof level !== 'number' || level < PINO_ERROR) return undefined
  const reason = typeof err === 'object' && err !== null && 'message' in err ? `: ${String(err.message)}` : ''
  return `${typeof msg === 'string' ? msg : line}${reason}`
}

export const linesMatching =
  (pattern: RegExp): ReadLine =>
  (line) =>
    pattern.test(line) ? line.trim() : undefined

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Begins a new file; the former one stays beside it as `.1`. */
export function beginLog(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file)) renameSync(file, `${file}.1`)
  closeSync(openSync(file, 'a', 0o600))
}

export interface Follower {
  /** Reads what is new. */
  read(): void
}

export function followLog(file: string, readLine: ReadLine, show: (text: string) => void): Follower {
  let offset = 0
  let rest = ''
  const buffer = Buffer.alloc(CHUNK_BYTES)
  const take = (text: string): void => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const shown = readLine(line)
      if (shown !== undefined) show(shown)
    }
  }
  return {
    read() {
      if (!existsSync(file)) return
      const { size } = statSync(file)
      if (size < offset) offset = 0
      const handle = openSync(file, 'r')
      try {
        while (offset < size) {
          const bytes = readSync(handle, buffer, 0, Math.min(CHUNK_BYTES, size - offset), offset)
          if (bytes === 0) break
          offset += bytes
          take(buffer.toString('utf8', 0, bytes))
        }
      } finally {
        closeSync(handle)
      }
      if (offset > MAX_BYTES) {
        // The writer appends through a handle of its own, which a rename would not turn away.
        copyFileSync(file, `${file}.1`)
        truncateSync(file, 0)
        offset = 0
      }
    },
  }
}
