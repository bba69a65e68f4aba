/** What the client's status means for whoever uses an app, as its package has it. */
import { STATUS_TABLE } from '../../client/src/core/status-table.ts'
import { table } from './table.ts'

export const statusTable = (): string =>
  table(
    ['status', 'means', 'one reads a space', 'what one writes is sent', 'comes by itself', 'one can'],
    Object.entries(STATUS_TABLE).map(([status, { means, read, write, next, canDo }]) => [
      `\`${status}\``,
      means,
      read,
      write,
      next,
      canDo,
    ]),
  )
