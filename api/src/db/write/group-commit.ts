/**
 * Group commit. A space's writes are serial, so what arrives for a space while one transaction commits waits in its
 * lane and shares the next one: a hot space pays one commit for many requests, and a quiet one waits for nothing.
 *
 * Each node has its own lanes; between nodes the row lock of the space keeps order. A lane exists while it has work.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { Committed, Unit, UnitOutcome } from './commit.ts'
import { DatabaseAway, failureOf, OutcomeUnknown } from '../failure.ts'

export interface GroupCommitDeps {
  commit: (space: SpaceId | null, units: readonly Unit[]) => Promise<Committed>
  /** Called right after each commit, before anybody is answered. Must not wait. */
  committed: (done: Pick<Committed, 'changes' | 'removed'>) => void
  /** Called with what it threw. The commit stands, and whoever waits for it is answered. */
  onFault: (thrown: unknown) => void
  /** Most mutations that share a transaction; a single unit may be larger. */
  maxMutations: number
  /** Most mutations that wait in all lanes together; beyond, DatabaseAway. */
  maxQueued: number
  /** How long a unit may wait in its lane before it is refused. */
  maxWaitMs: number
}

interface Waiting {
  unit: Unit
  arrivedAtMs: number
  resolve: (outcome: UnitOutcome) => void
  reject: (error: unknown) => void
}

export class GroupCommit {
  readonly #deps: GroupCommitDeps
  readonly #lanes = new Map<SpaceId | null, Waiting[]>()
  #queued = 0

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps
  }

  /** Mutations that wait for their transaction. */
  get queued(): number {
    return this.#queued
  }

  /** Resolves when the unit is committed. Rejects with DatabaseAway (nothing done) or OutcomeUnknown. */
  submit(space: SpaceId | null, unit: Unit): Promise<UnitOutcome> {
    if (this.#queued + unit.mutations.length > this.#deps.maxQueued)
      return Promise.reject(new DatabaseAway('too many writes are waiting'))
    return new Promise((resolve, reject) => {
      this.#queued += unit.mutations.length
      const waiting: Waiting = { unit, arrivedAtMs: performance.now(), resolve, reject }
      const lane = this.#lanes.get(space)
      if (lane !== undefined) {
        lane.push(waiting)
        return
      }
      const begun = [waiting]
      this.#lanes.set(space, begun)
      void this.#run(space, begun)
    })
  }

  /** Never rejects: what goes wrong is told to those who wait. */
  async #run(space: SpaceId | null, lane: Waiting[]): Promise<void> {
    while (lane.length > 0) {
      const batch = this.#take(lane)
      if (batch.length > 0) await this.#commit(space, batch)
    }
    this.#lanes.delete(space)
  }

  #take(lane: Waiting[]): Waiting[] {
    const latest = performance.now() - this.#deps.maxWaitMs
    const batch: Waiting[] = []
    let mutations = 0
    let taken = 0
    for (const waiting of lane) {
      const size = waiting.unit.mutations.length
      if (batch.length > 0 && mutations + size > this.#deps.maxMutations) break
      taken += 1
      this.#queued -= size
      if (waiting.arrivedAtMs < latest) {
        waiting.reject(new DatabaseAway('waited too long for its turn'))
        continue
      }
      mutations += size
      batch.push(waiting)
    }
    lane.splice(0, taken)
    return batch
  }

  async #commit(space: SpaceId | null, batch: readonly Waiting[]): Promise<void> {
    let done: Committed
    try {
      done = await this.#deps.commit(
        space,
        batch.map(({ unit }) => unit),
      )
    } catch (error) {
      // One unit's data must not fail its neighbours: alone, only the guilty one fails.
      const bystanders = batch.length > 1 && !(error instanceof OutcomeUnknown) && failureOf(error) === 'refused'
      if (bystanders) for (const waiting of batch) await this.#commit(space, [waiting])
      else for (const waiting of batch) waiting.reject(error)
      return
    }
    try {
      this.#deps.committed(done)
    } catch (thrown) {
      this.#deps.onFault(thrown)
    }
    for (const [index, waiting] of batch.entries()) {
      const outcome = done.outcomes[index]
      if (outcome === undefined) waiting.reject(new Error('a unit without an outcome'))
      else waiting.resolve(outcome)
    }
  }
}
