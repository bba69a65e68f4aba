/**
 * Group commit. What waits while transactions commit shares the next one, whatever its space: many requests pay one
 * commit, and where nothing is under way a write waits for nothing. There is no timer: a transaction that ends begins
 * the next with whatever has come meanwhile (gather.ts).
 *
 * A space's writes are serial: a lane is in one transaction at a time, so its units commit and are told of in order.
 * The first try of a lane waits for no lock: where another node holds the space, the lane is passed over, and waits for
 * its lock in a transaction with others like it. A unit that may lock more than its space waits in one of its lane's
 * own. Transactions that wait for locks are counted apart, so that whoever need not wait is not held up by them.
 *
 * Each node has its own lanes; between nodes the row lock of the space keeps order. A lane exists while it has work.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { Committed, SpaceUnits, Unit, UnitOutcome } from './commit.ts'
import { DatabaseAway, failureOf, Overtaken, OutcomeUnknown } from '../failure.ts'
import { gather } from './gather.ts'
import { mayShare } from './lock-scope.ts'

export interface GroupCommitDeps {
  /** With `patient` it waits for the locks; otherwise units of spaces that others hold are `passed-over`. */
  commit: (parts: readonly SpaceUnits[], patient: boolean) => Promise<Committed>
  /** Called right after each commit, before anybody is answered. Must not wait. */
  committed: (done: Pick<Committed, 'changes' | 'removed'>) => void
  /** Called with what it threw. The commit stands, and whoever waits for it is answered. */
  onFault: (thrown: unknown) => void
  /** Most mutations that share a transaction; a single unit may be larger. */
  maxMutations: number
  /** Transactions at once that wait for no lock. */
  maxTransactions: number
  /** Transactions at once beside them that do. */
  maxPatient: number
  /** Most mutations that wait in all lanes together; beyond, DatabaseAway. */
  maxQueued: number
  /** How long a unit may wait in its lane before it is refused. */
  maxWaitMs: number
}

interface Waiting {
  unit: Unit
  /** Whether its transaction may be that of other spaces too. */
  isShared: boolean
  arrivedAtMs: number
  resolve: (outcome: UnitOutcome) => void
  reject: (error: unknown) => void
}

interface Lane {
  space: SpaceId | null
  waiting: Waiting[]
  /** Whether another node held the space when its turn came: then its lock is waited for. */
  isContested: boolean
}

interface Taken {
  lane: Lane
  units: Waiting[]
}

type Patience = 'impatient' | 'patient'

export class GroupCommit {
  readonly #options: GroupCommitDeps
  readonly #lanes = new Map<SpaceId | null, Lane>()
  /** Lanes that have units and are in no transaction, in the order of their turns, by whether they wait for locks. */
  readonly #ready = { impatient: new Set<Lane>(), patient: new Set<Lane>() }
  readonly #running = { impatient: 0, patient: 0 }
  #queued = 0
  #isBeginning = false

  constructor(options: GroupCommitDeps) {
    this.#options = options
  }

  /** Mutations that wait for their transaction. */
  get queued(): number {
    return this.#queued
  }

  /** Resolves when the unit is committed. Rejects with DatabaseAway (nothing done) or OutcomeUnknown. */
  submit(space: SpaceId | null, unit: Unit): Promise<UnitOutcome> {
    if (this.#queued + unit.mutations.length > this.#options.maxQueued)
      return Promise.reject(new DatabaseAway('too many writes are waiting'))
    return new Promise((resolve, reject) => {
      this.#queued += unit.mutations.length
      const isShared = unit.mutations.every(mayShare)
      const waiting: Waiting = { unit, isShared, arrivedAtMs: performance.now(), resolve, reject }
      const lane = this.#lanes.get(space)
      if (lane !== undefined) {
        lane.waiting.push(waiting)
        return
      }
      const begun: Lane = { space, waiting: [waiting], isContested: false }
      this.#lanes.set(space, begun)
      this.#standIn(begun)
      this.#beginSoon()
    })
  }

  /** What comes in one turn of the event loop begins together. */
  #beginSoon(): void {
    if (this.#isBeginning) return
    this.#isBeginning = true
    setImmediate(() => {
      this.#isBeginning = false
      this.#beginAll()
    })
  }

  /** Gives a lane its next turn, or lets go of it. */
  #standIn(lane: Lane): void {
    const [first] = lane.waiting
    if (first === undefined) this.#lanes.delete(lane.space)
    else this.#ready[isPatient(lane, first) ? 'patient' : 'impatient'].add(lane)
  }

  #beginAll(): void {
    const { maxTransactions, maxPatient } = this.#options
    while (this.#ready.patient.size > 0 && this.#running.patient < maxPatient) void this.#run('patient')
    while (this.#ready.impatient.size > 0 && this.#running.impatient < maxTransactions) void this.#run('impatient')
  }

  /** Never rejects: what goes wrong is told to those who wait. */
  async #run(how: Patience): Promise<void> {
    const taken = this.#take(how)
    if (taken.length === 0) return
    this.#running[how] += 1
    await this.#commit(taken, how)
    this.#running[how] -= 1
    for (const { lane } of taken) this.#standIn(lane)
    this.#beginAll()
  }

  /** What shares a transaction. Lanes of which nothing is taken keep their turn, before those that come. */
  #take(how: Patience): Taken[] {
    const lanes = nextLanes(this.#ready[how])
    for (const lane of lanes) {
      this.#ready[how].delete(lane)
      this.#refuseLate(lane)
    }
    const counts = gather(
      lanes.map((lane) => this.#sizesOf(lane)),
      this.#options.maxMutations,
    )
    const taken: Taken[] = []
    const left: Lane[] = []
    for (const [nth, lane] of lanes.entries()) {
      const units = lane.waiting.splice(0, counts[nth])
      for (const { unit } of units) this.#queued -= unit.mutations.length
      if (units.length > 0) taken.push({ lane, units })
      else left.push(lane)
    }
    const later = [...this.#ready[how]]
    this.#ready[how].clear()
    for (const lane of left) this.#standIn(lane)
    for (const lane of later) this.#ready[how].add(lane)
    return taken
  }

  /** A transaction of many takes what comes before a unit that does not share; one that begins with one, all. */
  #sizesOf({ waiting }: Lane): number[] {
    const sizes: number[] = []
    const isOfMany = waiting[0]?.isShared === true
    for (const { unit, isShared } of waiting) {
      if ((isOfMany && !isShared) || sizes.length === this.#options.maxMutations) break
      sizes.push(unit.mutations.length)
    }
    return sizes
  }

  #refuseLate(lane: Lane): void {
    const latest = performance.now() - this.#options.maxWaitMs
    const late = lane.waiting.findIndex(({ arrivedAtMs }) => arrivedAtMs >= latest)
    for (const { unit, reject } of lane.waiting.splice(0, late < 0 ? lane.waiting.length : late)) {
      this.#queued -= unit.mutations.length
      reject(new DatabaseAway('waited too long for its turn'))
    }
  }

  async #commit(taken: readonly Taken[], how: Patience): Promise<void> {
    let done: Committed
    try {
      const parts = taken.map(({ lane, units }) => ({ space: lane.space, units: units.map(({ unit }) => unit) }))
      done = await this.#options.commit(parts, how === 'patient')
    } catch (error) {
      const halves = halvesOf(taken)
      if (halves !== undefined && isOfOne(error)) for (const half of halves) await this.#commit(half, 'patient')
      else for (const { units } of taken) for (const { reject } of units) reject(error)
      return
    }
    try {
      this.#options.committed(done)
    } catch (thrown) {
      this.#options.onFault(thrown)
    }
    for (const [nth, { lane, units }] of taken.entries()) this.#tell(lane, units, done.outcomes[nth])
  }

  #tell(lane: Lane, units: readonly Waiting[], outcomes: Committed['outcomes'][number] | undefined): void {
    lane.isContested = outcomes === 'passed-over'
    if (outcomes === 'passed-over') {
      lane.waiting.unshift(...units)
      for (const { unit } of units) this.#queued += unit.mutations.length
      return
    }
    for (const [nth, { resolve, reject }] of units.entries()) {
      const outcome = outcomes?.[nth]
      if (outcome === undefined) reject(new Error('a unit without an outcome'))
      else resolve(outcome)
    }
  }
}

const isPatient = (lane: Lane, first: Waiting): boolean => lane.isContested || !first.isShared

/** All that may share a transaction; a lane that begins with a unit which does not has its own. */
function nextLanes(ready: ReadonlySet<Lane>): Lane[] {
  const lanes: Lane[] = []
  for (const lane of ready) {
    if (lane.waiting[0]?.isShared === true) lanes.push(lane)
    else if (lanes.length === 0) return [lane]
  }
  return lanes
}

/** Whether a neighbour is innocent of it: data that Postgres refuses, or a lock that others always had first. */
const isOfOne = (error: unknown): boolean =>
  error instanceof Overtaken || (!(error instanceof OutcomeUnknown) && failureOf(error) === 'refused')

/** One unit's fault must not fail its neighbours: in halves, again and again, it ends up alone. They wait for locks. */
function halvesOf(taken: readonly Taken[]): [Taken[], Taken[]] | undefined {
  const all = taken.flatMap(({ lane, units }) => units.map((waiting) => ({ lane, waiting })))
  if (all.length < 2) return undefined
  const middle = Math.floor(all.length / 2)
  return [partsOf(all.slice(0, middle)), partsOf(all.slice(middle))]
}

function partsOf(all: readonly { lane: Lane; waiting: Waiting }[]): Taken[] {
  const parts: Taken[] = []
  for (const { lane, waiting } of all) {
    const last = parts.at(-1)
    if (last?.lane === lane) last.units.push(waiting)
    else parts.push({ lane, units: [waiting] })
  }
  return parts
}
