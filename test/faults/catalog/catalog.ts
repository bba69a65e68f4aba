/** All faults: those of the short run, each once, and those that a long run chooses from. */
import type { Fault } from '../fault.ts'
import { botFaults } from './bot-faults.ts'
import { busFaults } from './bus-faults.ts'
import { clientFaults } from './client-faults.ts'
import { commitFaults } from './commit-faults.ts'
import { deafFaults } from './deaf-faults.ts'
import { frontFaults } from './front-faults.ts'
import { historyFaults } from './history-faults.ts'
import { logFaults } from './log-faults.ts'
import { networkFaults, partialNetworkFaults } from './network-faults.ts'
import { postgresFaults } from './postgres-faults.ts'
import { presenceFaults } from './presence-faults.ts'
import { processFaults } from './process-faults.ts'
import { redisFaults } from './redis-faults.ts'
import { starvationFaults } from './starvation-faults.ts'

/** A part that dies, hangs or is restarted. */
export const PART_FAULTS: readonly Fault[] = [...processFaults, ...postgresFaults]

/** Redis and what is said over it, and the links between any two parts. */
export const LINK_FAULTS: readonly Fault[] = [...redisFaults, ...busFaults, ...networkFaults]

export { botFaults as BOT_FAULTS, frontFaults as FRONT_FAULTS }

export const EVERY_FAULT: readonly Fault[] = [
  ...PART_FAULTS,
  ...LINK_FAULTS,
  ...frontFaults,
  ...botFaults,
  ...deafFaults,
  ...starvationFaults,
  ...presenceFaults,
  ...commitFaults,
  ...clientFaults,
  ...logFaults,
  ...historyFaults,
]

export const LONG_RUN_FAULTS: readonly Fault[] = [...EVERY_FAULT, ...partialNetworkFaults]
