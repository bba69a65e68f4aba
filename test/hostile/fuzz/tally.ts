/** Counts what was said and what came of it, by kind of episode and by the way it was spoilt. */
import { table } from '@rhizom/infra/local/screen.ts'
import { type Episode, type EpisodeKind, KINDS } from './episode.ts'
import type { Played } from './play.ts'

const OUTCOMES_SHOWN = 7

const count = (value: number): string => value.toLocaleString('en')

export class Tally {
  inputs = 0
  episodes = 0
  /** Spent playing, without verdicts. */
  #playedMs = 0
  #since: number | undefined
  readonly #byKind = new Map<EpisodeKind, { inputs: number; outcomes: Map<string, number> }>()
  readonly #byWay = new Map<string, number>()

  count({ kind, steps }: Episode, { taken, outcomes }: Played): void {
    this.inputs += taken
    this.episodes += 1
    const row = this.#byKind.get(kind) ?? { inputs: 0, outcomes: new Map<string, number>() }
    this.#byKind.set(kind, row)
    row.inputs += taken
    for (const outcome of outcomes) row.outcomes.set(outcome, (row.outcomes.get(outcome) ?? 0) + 1)
    for (const { ways } of steps.slice(0, taken))
      for (const way of ways) this.#byWay.set(way, (this.#byWay.get(way) ?? 0) + 1)
  }

  /** From now on time counts. */
  begin(): void {
    this.#since = performance.now()
  }

  end(): void {
    this.#playedMs += this.#since === undefined ? 0 : performance.now() - this.#since
    this.#since = undefined
  }

  /** One line for those who wait. */
  progress(): string {
    const playedMs = this.#playedMs + (this.#since === undefined ? 0 : performance.now() - this.#since)
    const rate = Math.round((this.inputs * 1_000) / Math.max(1, playedMs))
    const kinds = KINDS.map((kind) => `${kind} ${count(this.#byKind.get(kind)?.inputs ?? 0)}`)
    return `${count(this.inputs)} inputs in ${count(this.episodes)} episodes, ${count(rate)} a second: ${kinds.join(', ')}`
  }

  summary(): string {
    const rows = KINDS.flatMap((kind) => {
      const row = this.#byKind.get(kind)
      return row === undefined ? [] : [[kind, count(row.inputs), shown(row.outcomes, OUTCOMES_SHOWN)]]
    })
    const ways = [...this.#byWay].sort(([, a], [, b]) => b - a).map(([way, times]) => [way, count(times)])
    return `${table([['kind', 'inputs', 'what came of them'], ...rows])}\n\n${table([['spoilt by', 'inputs'], ...ways])}`
  }
}

function shown(outcomes: ReadonlyMap<string, number>, most: number): string {
  const sorted = [...outcomes].sort(([, a], [, b]) => b - a)
  const rest = sorted.slice(most).reduce((sum, [, times]) => sum + times, 0)
  const words = sorted.slice(0, most).map(([outcome, times]) => `${outcome} ${count(times)}`)
  return [...words, ...(rest > 0 ? [`other ${count(rest)}`] : [])].join(' · ')
}
