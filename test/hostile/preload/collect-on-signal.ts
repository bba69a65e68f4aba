/**
 * Loaded into each node of the hostile suite: on SIGUSR2 it collects its garbage, so that what remains is what it
 * keeps. Without that a judge of memory would have to wait for as long as an idle process takes to tidy up.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { COLLECTED } from './collected.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: object) => void

process.on('SIGUSR2', () => {
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  process.stdout.write(`${COLLECTED}\n`)
})
