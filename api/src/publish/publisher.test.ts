import type { LoggedChange } from '@rhizom/domain'
import { type Change, parseServerMessage, parseSpaceMessage } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messagesOf, runsOf } from './publisher.ts'

const epoch = '0193b2a0-0000-7000-8000-000000000001'
const changeOf = (version: number, bytes: number): Change => ({
  version,
  kind: 'intention.append',
  at: 1,
  actor: '@ada',
  mutation: epoch,
  body: { id: epoch, text: 'x'.repeat(bytes) },
})

const versionsIn = (message: Uint8Array): number[] => {
  const parsed = parseSpaceMessage(message)
  if (!parsed.ok || parsed.value.kind !== 'changes') throw new Error('not a message of changes')
  const [line] = parseServerMessage(new TextDecoder().decode(parsed.value.frame))
  if (line?.ok !== true || line.value.type !== 'changes') throw new Error('not a frame of changes')
  const versions = line.value.changes.map(({ version }) => version)
  expect([parsed.value.from, parsed.value.to]).toEqual([(versions[0] ?? 0) - 1, versions.at(-1)])
  return versions
}

test('A20 messages hold each change once, in order, within the bounds unless one alone is larger', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 500 }),
      fc.array(
        fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 1, max: 2000 }) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 200_000 }) },
        ),
        {
          minLength: 1,
          maxLength: 450,
        },
      ),
      (from, sizes) => {
        const changes = sizes.map((bytes, index) => changeOf(from + index + 1, bytes))
        const messages = messagesOf({ space: '@a', epoch, changes })
        const runs = messages.map(versionsIn)
        expect(runs.flat()).toEqual(changes.map(({ version }) => version))
        for (const [index, run] of runs.entries()) {
          expect(run.length).toBeLessThanOrEqual(200)
          if (run.length > 1) expect(messages[index]?.length).toBeLessThanOrEqual(128 * 1024)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('A20 one commit over several spaces and histories becomes one run each, in order', () => {
  const other = '0193b2a0-0000-7000-8000-000000000002'
  const logged: LoggedChange[] = [
    { space: '@a', epoch, change: changeOf(7, 1) },
    { space: '@b', epoch, change: changeOf(3, 1) },
    { space: '@a', epoch, change: changeOf(8, 1) },
    { space: '@a', epoch: other, change: changeOf(1, 1) },
  ]
  expect(
    runsOf(logged).map(({ space, epoch: of, changes }) => [space, of, changes.map(({ version }) => version)]),
  ).toEqual([
    ['@a', epoch, [7, 8]],
    ['@b', epoch, [3]],
    ['@a', other, [1]],
  ])
})
