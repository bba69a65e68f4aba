/** What the routes are given. node.ts puts it together; nothing here outlives a request but these. */
import type { Redis } from 'ioredis'
import type { Config } from '../config.ts'
import type { Admissions } from '../db/write/admissions.ts'
import type { GroupCommit } from '../db/write/group-commit.ts'
import type { Accounts, BusSeal, keySetOf, ProcessLog } from '@rhizom/process'
import type { Metrics } from '../observe.ts'
import type { WatchedDatabase } from '../postgres-watch.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { Issuers } from './issuers.ts'
import type { SessionTokens } from './session-token.ts'
import type { UnderWay } from './under-way.ts'

export interface Services {
  config: Config
  log: ProcessLog
  metrics: Metrics
  database: WatchedDatabase
  writes: GroupCommit
  admissions: Admissions
  publisher: Publisher
  redis: Redis
  seal: BusSeal
  /** Whether it is known to be able to do what is asked of it. */
  isRedisFit: () => boolean
  accounts: Accounts
  issuers: Issuers
  tokens: SessionTokens
  /** The public keys of session tokens. */
  keys: ReturnType<typeof keySetOf>
  underWay: UnderWay
  /** Takes what is old from log, ledger and sessions now, as the leader does from time to time. */
  prune: () => Promise<void>
  /** Whether the node is on its way down: not ready any more, but finishing. */
  isStopping: () => boolean
}
