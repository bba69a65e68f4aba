import { randomUUID } from 'node:crypto'
import type { Change, ChangesFrame, SnapshotFrame } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { Acknowledgements } from './acknowledgements.ts'
import { SpaceLog } from './space-log.ts'
import { printOf, SpaceWitness } from './space-witness.ts'
import { compareRun, type Findings, isClean } from './verdict.ts'

const space = '@lobby'
const epoch = randomUUID()

const changeAt = (version: number): Change => ({
  version,
  at: 1_000 + version,
  actor: '@ada',
  mutation: uuidv7(),
  kind: 'intention.put',
  body: {
    id: uuidv7(),
    type: 'utterance',
    state: 'complete',
    owner: '@ada',
    location: space,
    content: [`number ${version}`],
    rev: version,
    createdAt: 1_000 + version,
    modifiedAt: 1_000 + version,
  },
})

/** A recorded stream: the changes 1 to 20 of a log. */
const recorded = Array.from({ length: 20 }, (_, index) => changeAt(index + 1))

const framesOf = (changes: readonly Change[], from = 0): ChangesFrame[] =>
  changes.map((change, index) => ({
    type: 'changes',
    space,
    epoch,
    from: from + index,
    to: from + index + 1,
    changes: [change],
  }))

const entity = { id: space, name: 'Lobby', visibility: 'public', epoch, version: 0, createdAt: 1 } as const
const snapshotAt = (version: number, intentions: readonly Change[]): SnapshotFrame => ({
  type: 'snapshot',
  space,
  epoch,
  version,
  entity,
  beings: [],
  beingCount: 0,
  intentions: intentions.flatMap((change) => (change.kind === 'intention.put' ? [change.body] : [])),
  hasMore: false,
  here: [],
  hereCount: 0,
})

/** What a client that was given this stream wrote down. */
function witnessOf(changes: readonly Change[]): SpaceWitness {
  const witness = new SpaceWitness(space)
  witness.replace(snapshotAt(0, []))
  for (const frame of framesOf(changes)) witness.apply(frame)
  return witness
}

/** The log as the api would tell it over HTTP. */
async function readLog(changes: readonly Change[] = recorded): Promise<{ log: SpaceLog; findings: Findings }> {
  const log = new SpaceLog(space, epoch, { intentions: 200, bytes: 60 })
  const head = changes.length
  const findings = await log.readOn(async () => ({ epoch, from: 0, to: head, head, changes: [...changes] }))
  return { log, findings }
}

const renumbered = (changes: readonly Change[]): Change[] =>
  changes.map((change, index) => ({ ...change, version: index + 1 }))

const swapped = (changes: readonly Change[], at: number): Change[] => {
  const [one, other] = [changes[at], changes[at + 1]]
  return one === undefined || other === undefined ? [] : changes.with(at, other).with(at + 1, one)
}

test('F20 a stream that is that of the log gives no finding', async () => {
  const { log, findings } = await readLog()
  expect([isClean(findings), isClean(log.judge(witnessOf(recorded)))]).toEqual([true, true])
})

test.each<[string, keyof Findings, Change[]]>([
  ['a removed change', 'lost', recorded.toSpliced(7, 1)],
  ['a removed change, the rest renumbered', 'lost', renumbered(recorded.toSpliced(7, 1))],
  ['a doubled change', 'duplicated', recorded.toSpliced(7, 0, ...recorded.slice(7, 8))],
  [
    'a doubled change, the rest renumbered',
    'duplicated',
    renumbered(recorded.toSpliced(7, 0, ...recorded.slice(7, 8))),
  ],
  ['two changes swapped', 'outOfOrder', swapped(recorded, 7)],
  ['two changes swapped and renumbered', 'outOfOrder', renumbered(swapped(recorded, 7))],
  [
    'a change with another text',
    'outOfOrder',
    recorded.with(7, { ...changeAt(8), mutation: recorded[7]?.mutation ?? '' }),
  ],
])('F20 the judge finds %s', async (_name, kind, stream) => {
  const { log } = await readLog()
  expect(log.judge(witnessOf(stream))[kind]).not.toEqual([])
})

test('F20 a gap is not applied, so that it cannot hide', () => {
  const witness = witnessOf(recorded.slice(0, 5))
  const [late] = framesOf(recorded.slice(7, 8), 7)
  expect(late !== undefined && witness.apply(late)).toBe(false)
  expect(witness.position).toEqual({ epoch, version: 5 })
})

test('F20 a log with a hole or with a mutation twice is found', async () => {
  const holed = await readLog(recorded.toSpliced(7, 1))
  const doubled = await readLog(renumbered(recorded.toSpliced(7, 0, ...recorded.slice(7, 8))))
  expect(holed.findings.lost).not.toEqual([])
  expect(doubled.findings.duplicated).not.toEqual([])
})

test('F20 an acknowledged write that is missing from the log, or elsewhere in it, is found', async () => {
  const { log } = await readLog(recorded.slice(0, 10))
  const acknowledgements = new Acknowledgements()
  acknowledgements.add(space, 5, recorded[4]?.mutation ?? '')
  expect(isClean(acknowledgements.judge(log))).toBe(true)
  acknowledgements.add(space, 11, recorded[10]?.mutation ?? '')
  acknowledgements.add(space, 7, recorded[7]?.mutation ?? '')
  const { lost, outOfOrder } = acknowledgements.judge(log)
  expect([lost.length, outOfOrder.length]).toEqual([1, 1])
})

test('F20 what the api promised twice is found', () => {
  const acknowledgements = new Acknowledgements()
  acknowledgements.add(space, 5, uuidv7())
  acknowledgements.add(space, 5, uuidv7())
  expect(acknowledgements.violations).toHaveLength(1)
})

test('F21 a snapshot that holds everything before it gives no finding', async () => {
  const { log } = await readLog()
  const witness = witnessOf(recorded.slice(0, 3))
  witness.replace(snapshotAt(15, recorded.slice(0, 15)))
  for (const frame of framesOf(recorded.slice(15), 15)) witness.apply(frame)
  expect(isClean(log.judge(witness))).toBe(true)
})

test('F21 a snapshot that lacks an intention is found', async () => {
  const { log } = await readLog()
  const witness = new SpaceWitness(space)
  witness.replace(snapshotAt(15, recorded.slice(0, 15).toSpliced(6, 1)))
  expect(log.judge(witness).lost).toHaveLength(1)
})

test('F21 a snapshot may end where it is full by bytes, with the newest, and nowhere else', async () => {
  const { log } = await readLog()
  const judge = (intentions: readonly Change[], hasMore: boolean): Findings => {
    const witness = new SpaceWitness(space)
    witness.replace({ ...snapshotAt(15, intentions), hasMore })
    return log.judge(witness)
  }
  const newest = recorded.slice(10, 15)
  expect(isClean(judge(newest, true))).toBe(true)
  expect(judge(newest, false).lost).toHaveLength(10)
  expect(judge(newest.slice(-1), true).lost).toHaveLength(14)
  expect(judge(newest.toSpliced(2, 1, ...recorded.slice(9, 10)), true).lost).toHaveLength(1)
})

test('F21 a log that begins to be judged anew asks nothing of what came before', async () => {
  const { log } = await readLog()
  log.beginAt(epoch, 20)
  const witness = new SpaceWitness(space)
  witness.replace(snapshotAt(20, recorded))
  expect(isClean(log.judge(witness))).toBe(true)
})

test('F21 a snapshot that goes back is found', async () => {
  const { log } = await readLog()
  const witness = witnessOf(recorded.slice(0, 12))
  witness.replace(snapshotAt(9, recorded.slice(0, 9)))
  expect(log.judge(witness).outOfOrder).not.toEqual([])
})

test('F20 what is compared is the whole of a change', () => {
  const [first, second] = [changeAt(1), changeAt(1)]
  expect(printOf(first)).not.toBe(printOf(second))
  expect(isClean(compareRun([{ version: 1, print: printOf(first) }], [{ version: 1, print: printOf(first) }]))).toBe(
    true,
  )
})
