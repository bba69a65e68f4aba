/** What a system has to offer to be compared: how it is got, started, and written to. */
import type { ChildWatch } from '@rhizom/infra/local/child.ts'
import type { DialectName } from './dialects.ts'

export interface Surroundings {
  /** A folder of this peer and run. */
  directory: string
  /** Where what is fetched once lies. */
  cache: string
  redisUrl: string
  /** The words that put a program on the core of servers, and on that of everybody else. */
  onServerCore: readonly string[]
  onOtherCore: readonly string[]
  /** How many connections it will have to take. */
  connections: number
  watch: ChildWatch
  say: (text: string) => void
}

export interface RunningPeer {
  /** The process whose work and memory are measured: the one that holds the connections. */
  pid: number
  url: string
  /** What clients watch; a new one for each measurement, where that is how the system is used. */
  topic(): Promise<string>
  tokens: string[]
  /** Writes texts in order; resolves when they are accepted. */
  publish(topic: string, texts: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export type Got = { ok: true; version: string } | { ok: false; why: string }

export interface Peer {
  name: string
  dialect: DialectName
  /** In a few words, for the table. */
  settings: string
  /** Whether it promises that whoever comes back gets what was missed. */
  recovers: boolean
  /** Bytes of text so that a change is about as long on the wire as with the others. */
  textBytes: number
  /** Fetches or builds what it needs, once. */
  get(cache: string, say: (text: string) => void): Promise<Got>
  start(around: Surroundings): Promise<RunningPeer>
}
