/** The third of the faults in which Redis or a link between two parts fails. */
import { test } from 'vitest'
import { LINK_FAULTS } from './catalog/catalog.ts'
import { FAULT_WITHIN, rigForTests } from './drill-suite.ts'

const { expectHarmless, expectWholeRun } = rigForTests('faults-of-links')

test.for(LINK_FAULTS)('F1 F2 F3 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test('F1 F2 the run as a whole wrote under every fault, lost nothing, and leaves its table', () =>
  expectWholeRun(LINK_FAULTS))
