/** The third that takes more than one step: crowds, clients, commits that nobody announces, logs and histories. */
import { expect, test } from 'vitest'
import { BOT_FAULTS, EVERY_FAULT, FRONT_FAULTS, LINK_FAULTS, PART_FAULTS } from './catalog/catalog.ts'
import { clientFaults } from './catalog/client-faults.ts'
import { commitFaults } from './catalog/commit-faults.ts'
import { deafFaults } from './catalog/deaf-faults.ts'
import { historyFaults } from './catalog/history-faults.ts'
import { logFaults } from './catalog/log-faults.ts'
import { presenceFaults } from './catalog/presence-faults.ts'
import { starvationFaults } from './catalog/starvation-faults.ts'
import { FAULT_WITHIN, rigForTests } from './drill-suite.ts'

const { expectHarmless, expectWholeRun } = rigForTests('faults-of-stories')
const [slowReader, ...otherClients] = clientFaults
const STORIES = [
  ...presenceFaults,
  ...deafFaults,
  ...starvationFaults,
  ...clientFaults,
  ...commitFaults,
  ...logFaults,
  ...historyFaults,
]

test.for(presenceFaults)('F1 F2 F3 F7 F8 F9 F10 F11 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(deafFaults)('F1 F2 F3 F7 F8 F9 F10 F12 G122 G123 A68 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(starvationFaults)('F1 F2 F3 F7 F8 F9 F10 F13 G124 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(otherClients)('F1 F2 F3 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(commitFaults)('F1 F2 F3 F4 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) => expectHarmless(fault))

test.for(slowReader === undefined ? [] : [slowReader])('F1 F2 F3 F5 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) =>
  expectHarmless(fault),
)

test.for([...logFaults, ...historyFaults])('F1 F2 F3 F6 F7 F8 F9 F10 $name', FAULT_WITHIN, (fault) =>
  expectHarmless(fault),
)

test('F1 F2 the run as a whole wrote under every fault, lost nothing, and leaves its table', () =>
  expectWholeRun(STORIES))

test('F1 F2 the three thirds leave out no fault', () => {
  const namesOf = (faults: readonly { name: string }[]): string[] => faults.map(({ name }) => name).toSorted()
  expect(namesOf([...PART_FAULTS, ...FRONT_FAULTS, ...BOT_FAULTS, ...LINK_FAULTS, ...STORIES])).toEqual(
    namesOf(EVERY_FAULT),
  )
})
