/** The third of the faults in which a process dies, hangs or is restarted. */
import { test } from 'vitest'
import { BOT_FAULTS, FRONT_FAULTS, PART_FAULTS } from './catalog/catalog.ts'
import { FAULT_WITHIN, rigForTests } from './drill-suite.ts'

const { expectHarmless, expectWholeRun } = rigForTests('faults-of-parts')

test.for(PART_FAULTS)('F1 F2 F3 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(FRONT_FAULTS)('F37 F38 F1 F2 F3 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(BOT_FAULTS)('F50 F51 F1 F2 F3 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test('F1 F2 the run as a whole wrote under every fault, lost nothing, and leaves its table', () =>
  expectWholeRun([...PART_FAULTS, ...FRONT_FAULTS, ...BOT_FAULTS]))
