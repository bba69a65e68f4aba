/**
 * The budgets of an installation: what may be written, stored, said and sent, in bytes and in operations, by whom. One
 * table, one decision (machine/src/account.ts), one refusal. Accounts are shared by all nodes (redis-accounts.ts) and
 * kept here as well, so that somebody decides while Redis is away.
 *
 *   take      asks the shared accounts and waits for the answer, unless what it heard of them last lets it decide here
 *             (budget-leases.ts): exact over all nodes but for a sixteenth of the burst a node
 *   takeHere  decides by what is known here, and tells the others afterwards: for what cannot wait
 *   spend     has happened already and cost what it cost; whoever is over is refused next time
 */
import { type Budget, type Clock, payable, spentTo, waitMs } from '@rhizom/machine'
import { BudgetLeases } from './budget-leases.ts'

/**
 *   sessions      attempts to sign in        of an address
 *   body-bytes    bytes of request bodies    of a being, or of an address while nobody is known
 *   mutations     mutations                  of a being
 *   signals       signals, however they come of a being
 *   stored-bytes  bytes added to logs        of a being
 *   space-bytes   bytes added to its log     of a space
 *   sent-bytes    bytes of answers           of a being
 */
export const BUDGET_NAMES = [
  'sessions',
  'body-bytes',
  'mutations',
  'signals',
  'stored-bytes',
  'space-bytes',
  'sent-bytes',
] as const
export type BudgetName = (typeof BUDGET_NAMES)[number]

export interface Charge {
  budget: BudgetName
  account: string
  cost: number
}

export interface OverBudget {
  budget: BudgetName
  retryAfterMs: number
}

/** A charge with the budget it is against. */
export interface PricedCharge extends Charge {
  limit: Budget
}

/** What the accounts of all nodes say: which charge is refused, if one is, and by how much each account is spent. */
export interface SharedAnswer {
  refused: { index: number; waitMs: number } | undefined
  spentMs: readonly number[]
}

/** Accounts over all nodes. Undefined where there is no answer in time; never rejects for Redis' sake. */
export interface SharedAccounts {
  /** `spend` takes what is not there as well. */
  ask(charges: readonly PricedCharge[], how: 'take' | 'spend'): Promise<SharedAnswer | undefined>
}

export type Budgets = Readonly<Record<BudgetName, Budget>>
/** Budgets of their own, for beings, spaces and addresses. */
export type BudgetOverrides = Readonly<Partial<Record<BudgetName, Readonly<Record<string, Budget>>>>>

export interface AccountsDeps {
  clock: Pick<Clock, 'nowMs' | 'after'>
  /** Undefined where this node is the only one. */
  shared: SharedAccounts | undefined
  budgets: Partial<Budgets>
  overrides: BudgetOverrides
  /** `kept` says who decided: the accounts that all share, this node for what they leave to it, or this node alone. */
  counted(budget: BudgetName, outcome: 'allowed' | 'refused' | 'spent', kept: 'shared' | 'leased' | 'here'): void
}

/** How long what was taken here is gathered before the others are told. */
const TELL_AFTER_MS = 50
/** Told in one question. */
const TOLD_AT_ONCE = 100
/** Accounts that are level are forgotten beyond this, and of others those that were used first beyond twice as many. */
const MAX_ACCOUNTS = 50_000

export class Accounts {
  readonly #deps: AccountsDeps
  readonly #levelAtMs = new Map<string, number>()
  readonly #leases = new BudgetLeases()
  /** Taken here, and not told yet. */
  #untold = new Map<string, PricedCharge>()
  #isTelling = false

  constructor(deps: AccountsDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#levelAtMs.size
  }

  /** Takes all of it, or nothing and says which budget is in the way. */
  async take(charges: readonly Charge[]): Promise<OverBudget | undefined> {
    const priced = this.#priced(charges)
    if (priced.length === 0 || this.#takeLeased(priced)) return undefined
    const answer = await this.#deps.shared?.ask(priced, 'take')
    if (answer === undefined) {
      this.#leases.notAnswered(priced.map(keyOf))
      return this.#decideHere(priced)
    }
    this.#learn(priced, answer)
    const refused = answer.refused === undefined ? undefined : priced[answer.refused.index]
    for (const one of refused === undefined ? priced : [refused])
      this.#deps.counted(one.budget, refused === undefined ? 'allowed' : 'refused', 'shared')
    return refused && { budget: refused.budget, retryAfterMs: answer.refused?.waitMs ?? 0 }
  }

  takeHere(charges: readonly Charge[]): OverBudget | undefined {
    const priced = this.#priced(charges)
    const over = this.#decideHere(priced)
    if (over === undefined) this.#tell(priced)
    return over
  }

  spend(charges: readonly Charge[]): void {
    const priced = this.#priced(charges)
    for (const { budget } of priced) this.#deps.counted(budget, 'spent', 'here')
    this.#spendHere(priced)
    this.#tell(priced)
  }

  /** Whether all of it was taken by what the accounts of all said a moment ago. */
  #takeLeased(priced: readonly PricedCharge[]): boolean {
    if (this.#deps.shared === undefined) return false
    const nowMs = this.#deps.clock.nowMs()
    for (const charge of priced) {
      const key = keyOf(charge)
      if (!this.#leases.covers(key, charge.cost, charge.limit, nowMs)) return false
      if (waitMs(this.#levelOf(key), charge.limit, nowMs, charge.cost) > 0) return false
    }
    for (const { budget } of priced) this.#deps.counted(budget, 'allowed', 'leased')
    this.#spendHere(priced)
    this.#tell(priced)
    return true
  }

  #priced(charges: readonly Charge[]): PricedCharge[] {
    const { budgets, overrides } = this.#deps
    return charges.flatMap((charge) => {
      const limit = overrides[charge.budget]?.[charge.account] ?? budgets[charge.budget]
      return limit === undefined || limit.perSecond === 0 ? [] : [{ ...charge, limit }]
    })
  }

  #decideHere(priced: readonly PricedCharge[]): OverBudget | undefined {
    const nowMs = this.#deps.clock.nowMs()
    for (const charge of priced) {
      const { budget, limit, cost } = charge
      const retryAfterMs = waitMs(this.#levelOf(keyOf(charge)), limit, nowMs, payable(cost, limit))
      if (retryAfterMs === 0) continue
      this.#deps.counted(budget, 'refused', 'here')
      return { budget, retryAfterMs }
    }
    for (const { budget } of priced) this.#deps.counted(budget, 'allowed', 'here')
    this.#spendHere(priced.map((charge) => ({ ...charge, cost: payable(charge.cost, charge.limit) })))
    return undefined
  }

  #spendHere(priced: readonly PricedCharge[]): void {
    const nowMs = this.#deps.clock.nowMs()
    for (const charge of priced) {
      if (charge.cost === 0) continue
      const key = keyOf(charge)
      this.#levelAtMs.set(key, spentTo(this.#levelOf(key), charge.limit, nowMs, charge.cost))
    }
    if (this.#levelAtMs.size > MAX_ACCOUNTS) this.#forget(nowMs)
  }

  #levelOf(key: string): number {
    return this.#levelAtMs.get(key) ?? 0
  }

  /** Others may have taken from the same accounts. */
  #learn(priced: readonly PricedCharge[], { spentMs }: SharedAnswer): void {
    const nowMs = this.#deps.clock.nowMs()
    for (const [index, charge] of priced.entries()) {
      const key = keyOf(charge)
      const spent = spentMs[index] ?? 0
      if (spent > 0) this.#levelAtMs.set(key, Math.max(this.#levelOf(key), nowMs + spent))
      this.#leases.heard(key, nowMs)
    }
  }

  #tell(priced: readonly PricedCharge[]): void {
    const { shared, clock } = this.#deps
    if (shared === undefined) return
    for (const charge of priced) {
      if (charge.cost === 0) continue
      const key = keyOf(charge)
      const untold = this.#untold.get(key)
      if (untold === undefined) this.#untold.set(key, { ...charge })
      else untold.cost += charge.cost
      this.#leases.given(key, charge.cost)
    }
    if (this.#isTelling || this.#untold.size === 0) return
    this.#isTelling = true
    clock.after(TELL_AFTER_MS, () => {
      this.#isTelling = false
      const told = [...this.#untold.values()]
      this.#untold = new Map()
      for (let at = 0; at < told.length; at += TOLD_AT_ONCE) {
        const some = told.slice(at, at + TOLD_AT_ONCE)
        void shared.ask(some, 'spend').then((answer) => {
          for (const charge of some) this.#leases.told(keyOf(charge), charge.cost)
          if (answer === undefined) this.#leases.notAnswered(some.map(keyOf))
          else this.#learn(some, answer)
        })
      }
    })
  }

  #forget(nowMs: number): void {
    for (const [key, levelAtMs] of this.#levelAtMs) if (levelAtMs <= nowMs) this.#levelAtMs.delete(key)
    for (const key of this.#levelAtMs.keys()) {
      if (this.#levelAtMs.size <= 2 * MAX_ACCOUNTS) return
      this.#levelAtMs.delete(key)
    }
  }
}

const keyOf = ({ budget, account }: Charge): string => `${budget} ${account}`
