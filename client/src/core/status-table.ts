/**
 * What each status means for whoever uses an app: printed into docs/sync-status.md, and shown to be so by
 * status-table.test.ts. Nothing here is loaded by an app.
 */
import type { SyncStatus } from './sync-status.ts'

export interface StatusMeaning {
  means: string
  /** How what one reads stands to what the server has. */
  read: string
  /** What becomes of what one writes. */
  write: string
  next: string
  canDo: string
}

export const STATUS_TABLE: Readonly<Record<SyncStatus['status'], StatusMeaning>> = {
  live: {
    means: 'connected to a gateway',
    read: 'as it is',
    write: 'at once',
    next: 'nothing',
    canDo: '',
  },
  polling: {
    means: 'no gateway can be reached, the api can; one is not listed as here',
    read: 'some seconds late',
    write: 'at once',
    next: 'a gateway is looked for, ever more rarely',
    canDo: '',
  },
  connecting: {
    means: 'an attempt is under way, or the first ones failed',
    read: 'as it was last known',
    write: 'when the server answers',
    next: 'an attempt, now or at `nextAttemptAtMs`',
    canDo: 'retry sooner',
  },
  offline: {
    means: 'this device has no network, or several attempts in a row failed',
    read: 'as it was last known',
    write: 'when the server answers',
    next: 'an attempt, now or at `nextAttemptAtMs`',
    canDo: 'look after the network, retry sooner',
  },
  error: {
    means: 'trying again unchanged cannot help; of one space: it may not be read',
    read: 'as it was last known',
    write: 'refused where signing in is the remedy',
    next: 'nothing',
    canDo:
      'what `remedy` says: sign in, reload, retry; with `tell-operator` nothing but tell whoever runs the server, ' +
      'which does not serve pages from this address (`ALLOWED_ORIGINS`)',
  },
}
