/** The guide as a process (bot-process.ts). A copy that dies is made up for soon: its lease is short. */
import { runBotProcess, wholeNumber } from '../bot-process.ts'
import { guide } from './answer.ts'
import { readDocuments } from './documents.ts'

process.env['LEASE_MS'] ??= '3000'

await runBotProcess({
  component: 'guide',
  settings: {
    /** Between two words. */
    PACE_MS: wholeNumber('40'),
  },
  answer: ({ PACE_MS: paceMs }) => guide(readDocuments(), paceMs),
})
