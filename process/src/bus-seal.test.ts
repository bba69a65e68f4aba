import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BusSeal, type OpenOutcome } from './bus-seal.ts'

const make = (secrets: readonly string[], installation?: string) => {
  const outcomes: OpenOutcome[] = []
  const seal = new BusSeal({ secrets, prefix: 'rhizom:', opened: (outcome) => outcomes.push(outcome) })
  if (installation !== undefined) seal.installationLearned(installation)
  return { seal, outcomes }
}
const secret = randomBytes(32).toString('hex')
const here = randomUUID()

const sealed = (seal: BusSeal, name: string, message: Uint8Array | string): Buffer => {
  const bytes = seal.seal(name, message)
  if (bytes === undefined) throw new Error('nothing was sealed')
  return bytes
}

test('N66 what one process sealed another opens as the same bytes, and nothing that was changed on the way', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), fc.nat(), fc.integer({ min: 1, max: 255 }), (message, name, at, flip) => {
      const { seal: one } = make([secret], here)
      const { seal: other, outcomes } = make([secret], here)
      const bytes = sealed(one, name, message)
      expect(other.open(name, bytes)).toEqual(Buffer.from(message))
      const changed = Buffer.from(bytes)
      const index = at % changed.length
      changed[index] = (changed[index] ?? 0) ^ flip
      expect(other.open(name, changed)).toBeUndefined()
      expect(outcomes[0]).toBe('verified')
    }),
  )
})

test('N66 a signature counts as it is written, not as what it decodes to: in its last letter bits are left over', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/'
  const message = sealed(make([secret], here).seal, 'a', 'hello')
  const { seal } = make([secret], here)
  for (let index = 0; index < 22; index += 1)
    for (const letter of letters) {
      const other = Buffer.from(message)
      other.write(letter, index, 'latin1')
      expect(seal.open('a', other)?.toString()).toBe(other.equals(message) ? 'hello' : undefined)
    }
})

test('N66 whatever is no sealed message is refused without an exception', () => {
  const { seal, outcomes } = make([secret], here)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(seal.open('rhizom:heads', bytes)).toBeUndefined()
    }),
  )
  expect(new Set(outcomes)).toEqual(new Set(['forged']))
  expect(seal.open('rhizom:heads', Buffer.alloc(4 * 1024 * 1024, 'x'))).toBeUndefined()
})

test('N66 a message counts under the name it was sealed for, in its installation and with its key only', () => {
  const message = sealed(make([secret], here).seal, 'rhizom:{@a}', 'hello')
  const open = (secrets: readonly string[], installation: string, name: string) =>
    make(secrets, installation).seal.open(name, message)?.toString()
  expect(open([secret], here, 'rhizom:{@a}')).toBe('hello')
  expect(open([secret], here, 'rhizom:{@b}')).toBeUndefined()
  expect(open([secret], randomUUID(), 'rhizom:{@a}')).toBeUndefined()
  expect(open([randomBytes(32).toString('hex')], here, 'rhizom:{@a}')).toBeUndefined()
})

test('N66 until the installation is known nothing is said and nothing believed', async () => {
  const { seal, outcomes } = make([secret])
  const message = sealed(make([secret], here).seal, 'a', 'hello')
  expect([seal.seal('a', 'x'), seal.open('a', message)]).toEqual([undefined, undefined])
  expect(outcomes).toEqual(['early'])
  seal.installationLearned(here)
  await seal.known()
  expect(seal.open('a', message)?.toString()).toBe('hello')
})

test('N67 a key is replaced in three steps, at each of which old and new processes believe each other', () => {
  const [old, fresh] = [secret, randomBytes(32).toString('hex')]
  const steps = [[old], [old, fresh], [fresh, old], [fresh]]
  for (const [index, keys] of steps.entries()) {
    const next = steps[index + 1]
    if (next === undefined) continue
    const [before, after] = [make(keys, here).seal, make(next, here).seal]
    expect(after.open('a', sealed(before, 'a', 'x'))?.toString()).toBe('x')
    expect(before.open('a', sealed(after, 'a', 'x'))?.toString()).toBe('x')
  }
  const tooSoon = make([fresh], here).seal
  expect(make([old], here).seal.open('a', sealed(tooSoon, 'a', 'x'))).toBeUndefined()
})
