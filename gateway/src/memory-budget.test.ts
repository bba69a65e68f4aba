import { ManualClock } from '@rhizom/machine/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type HeldFor, MemoryBudget } from './memory-budget.ts'

const MAX = 1_000

/** What is held for some, of whom each lets go of all it has, those who have most first. */
class Held {
  readonly bytes: number[]
  readonly #budget: MemoryBudget
  readonly #holder: HeldFor

  constructor(budget: MemoryBudget, holder: HeldFor, count: number) {
    this.#budget = budget
    this.#holder = holder
    this.bytes = Array.from({ length: count }, () => 0)
    budget.releasedBy(holder, (wanted) => this.#release(wanted))
  }

  hold(index: number, bytes: number): void {
    this.bytes[index] = (this.bytes[index] ?? 0) + bytes
    this.#budget.add(this.#holder, bytes)
  }

  #release(wanted: number): number {
    let released = 0
    for (const [index, bytes] of [...this.bytes.entries()].sort(([, one], [, other]) => other - one)) {
      if (released >= wanted) break
      this.bytes[index] = 0
      this.#budget.add(this.#holder, -bytes)
      released += bytes
    }
    return released
  }
}

function made() {
  const clock = new ManualClock()
  const said: string[] = []
  const counts: Record<HeldFor, number> = { spaces: 0, clients: 0 }
  const condition = {
    bad: ({ reason }: { reason: string }) => void said.push(reason.includes('unsent') ? 'clients go' : 'rings go'),
    good: () => void said.push('good'),
  }
  const counted = (holder: HeldFor): void => void (counts[holder] += 1)
  const budget = new MemoryBudget({ clock, maxBytes: MAX, condition, counted })
  return {
    budget,
    clock,
    said,
    counts,
    spaces: new Held(budget, 'spaces', 20),
    clients: new Held(budget, 'clients', 20),
  }
}

test('G224 whoever holds whatever, it is never more than the budget, and nobody goes while rings can', () => {
  const act = fc.record({ holder: fc.constantFrom('spaces', 'clients'), index: fc.nat(19), bytes: fc.nat(300) })
  fc.assert(
    fc.property(fc.array(act, { size: 'max', maxLength: 300 }), (acts) => {
      const { budget, counts, spaces, clients } = made()
      for (const { holder, index, bytes } of acts) {
        const before = { ...counts, ofClients: budget.held.clients }
        ;(holder === 'spaces' ? spaces : clients).hold(index, bytes)
        expect(budget.held.spaces + budget.held.clients).toBeLessThanOrEqual(MAX)
        const added = holder === 'clients' ? bytes : 0
        if (counts.clients > before.clients) expect(before.ofClients + added).toBeGreaterThan(MAX)
      }
    }),
  )
})

test('G224 a hundred times the budget goes through it, and each time enough goes to last for a while', () => {
  const { budget, counts, spaces } = made()
  for (let index = 0; index < 10_000; index += 1) spaces.hold(index % 20, 10)
  expect(budget.held.spaces).toBeLessThanOrEqual(MAX)
  expect(counts.spaces).toBeLessThan(500)
  expect(counts.clients).toBe(0)
})

test('G224 that it was reached is said, and once it has been well for a while; nobody new comes while clients go', () => {
  const { budget, clock, said, spaces, clients } = made()
  spaces.hold(0, 900)
  clients.hold(0, 200)
  expect(said).toEqual(['rings go'])
  expect(budget.isFull).toBe(false)
  for (const index of [1, 2, 3, 4]) clients.hold(index, 250)
  expect(said.at(-1)).toBe('clients go')
  expect(budget.isFull).toBe(true)
  clock.advance(2_000)
  expect(budget.isFull).toBe(false)
  expect(said).not.toContain('good')
  clock.advance(10_000)
  expect(said.at(-1)).toBe('good')
  expect(clock.timers).toBe(0)
})
