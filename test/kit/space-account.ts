/**
 * Where somebody stands in the log of one space by what it was given, by the rules of the contract alone: a snapshot is
 * a new beginning, a run of changes is applied if it follows. Each is read for what no gateway may send. What the
 * changes say is for those to judge who know the log; what is owed to a connection, or to a client that resumes, for
 * those who read it.
 */
import { place, type Position, type Range } from '@rhizom/protocol'

export interface RunReading<Change> {
  /** `unknown` before any snapshot. */
  placement: ReturnType<typeof place> | 'unknown'
  /** Those that were not held, in order, if it was applied. */
  fresh: readonly Change[]
  wrong: string[]
}

export class SpaceAccount {
  #position: Position | undefined

  constructor(position?: Position) {
    if (position !== undefined) this.begin(position)
  }

  get position(): Position | undefined {
    return this.#position
  }

  /** Begins anew where a snapshot is. Returns what is wrong with that. */
  begin({ epoch, version }: Position): string[] {
    const held = this.#position
    this.#position = { epoch, version }
    const isBack = held?.epoch === epoch && version < held.version
    return isBack ? [`a snapshot went back from ${held.version} to ${version}`] : []
  }

  apply<Change extends { version: number }>(range: Range, changes: readonly Change[]): RunReading<Change> {
    const { epoch, from, to } = range
    const held = this.#position
    const isWhole = changes.length === to - from && changes.every(({ version }, index) => version === from + index + 1)
    const versions = changes.map(({ version }) => version).join(' ')
    const wrong = isWhole ? [] : [`${from}→${to} holds the changes ${versions || 'none'}`]
    if (held === undefined) return { placement: 'unknown', fresh: [], wrong }
    const placement = place(held, range)
    if (placement !== 'follows' && placement !== 'overlaps') return { placement, fresh: [], wrong }
    this.#position = { epoch, version: to }
    // What is held is skipped by place in the run, not by the number a change carries: a wrong number shows.
    return { placement, fresh: changes.slice(held.version - from), wrong }
  }
}
