/**
 * Every attack on real processes, and the same verdict over each (verdict.ts). What each cost is printed as it is
 * judged.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bus } from './cases/bus.ts'
import { crowds } from './cases/crowds.ts'
import { depth } from './cases/depth.ts'
import { files } from './cases/files.ts'
import { malformed } from './cases/malformed.ts'
import { Loiterers, loiterersAreClosed, loiterersCome, slow } from './cases/slow.ts'
import { smallParts } from './cases/small-parts.ts'
import { Fuzz } from './fuzz/fuzz.ts'
import { type Attack, Stage } from './stage.ts'

const FUZZED = 300

let stage: Stage
const loiterers = new Loiterers()

beforeAll(async () => {
  stage = await Stage.start()
}, 120_000)
afterAll(async () => {
  await stage?.stop()
})

async function expectNoHarm(attack: Attack): Promise<void> {
  const { problems, figures } = await stage.judge(attack)
  process.stdout.write(`${attack.name}: ${figures}\n`)
  expect(problems).toEqual([])
}

test.each([loiterersCome(loiterers)])('H7 $name', expectNoHarm)
test.each(depth)('H6 $name', expectNoHarm)
test.each(slow)('H7 $name', expectNoHarm)
test.each(smallParts)('H8 $name', expectNoHarm)
test.each(crowds)('H9 $name', expectNoHarm)
test.each(malformed)('H10 $name', expectNoHarm)
test.each(bus)('H11 $name', expectNoHarm)
test.each(files)('H12 $name', expectNoHarm)

test.each([loiterersAreClosed(loiterers)])('H7 $name', expectNoHarm)

test('H13 inputs from the schemas, with the limits of production', async () => {
  const fuzz = await Fuzz.open(stage)
  await expectNoHarm(fuzz.attack(1, FUZZED))
})
