/**
 * One steady writer: posts batches of its own mutations to one api node or the other, and knows of each whether it was
 * applied. An answer that was lost is looked up by GET /v1/mutations/{id} or by sending the same ids again; a batch is
 * given up never, so that in the end every mutation it named is in the log exactly once.
 *
 *   post ──► 200 ──► acknowledged          post ──► 503, lost, late ──► look up or send again, at the other node
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { MutationResult, Problem } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { call, type MutationInput } from '../wire/api-caller.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Random } from '../kit/chance.ts'

const ANSWER_WITHIN_MS = 2_500
const PAUSE_AFTER_FAILURE_MS = 60

type Named = MutationInput & { id: string; space: string }

export interface Pace {
  /** Of each writer: how many mutations it asks for at once, and about how long it waits then. */
  batch: number
  everyMs: number
  /** How often a visitor does something: after once to three times as long. */
  visitEveryMs: number
}

export interface WriterOptions {
  token: string
  spaces: readonly string[]
  /** The api nodes as they may be written to just now. */
  apis: () => readonly string[]
  acknowledgements: Acknowledgements
  random: Random
  /** May change while it runs. */
  pace: Pace
}

export class Writer {
  readonly problems: string[] = []
  /** Times an answer was lost and the outcome had to be found out. */
  unknownOutcomes = 0
  /** Times the api refused cleanly. */
  refusals = 0
  lastFailure = 'none'
  readonly #options: WriterOptions
  #mode: 'writing' | 'paused' | 'stopped' = 'writing'
  #busy = false
  #wake: () => void = () => undefined
  #done: Promise<void> | undefined
  /** The node to try first: another after each failure, and now and then, so that both are used. */
  #node: number
  #ownIntention: { space: string; id: string } | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#node = options.random.below(2)
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Whether nothing is under way that could still reach the log. */
  get isQuiet(): boolean {
    return this.#mode !== 'writing' && !this.#busy
  }

  pause(): void {
    if (this.#mode === 'writing') this.#mode = 'paused'
  }

  goOn(): void {
    if (this.#mode !== 'paused') return
    this.#mode = 'writing'
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#mode = 'stopped'
    this.#wake()
    await this.#done
  }

  async #run(): Promise<void> {
    while (this.#mode !== 'stopped') {
      if (this.#mode === 'paused') {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      this.#busy = true
      await this.#writeUntilKnown(this.#nextBatch())
      this.#busy = false
      const { everyMs } = this.#options.pace
      await sleep(everyMs * (0.5 + this.#options.random.next()))
    }
  }

  #nextBatch(): Named[] {
    const { random, spaces, pace } = this.#options
    const spread = random.below(4) === 0
    const space = random.pick(spaces)
    return Array.from({ length: pace.batch }, () => this.#nextMutation(spread ? random.pick(spaces) : space))
  }

  /** Mostly new utterances; now and then more text for the last one, which only makes sense in order. */
  #nextMutation(space: string): Named {
    const id = uuidv7()
    const own = this.#ownIntention
    if (own?.space === space && this.#options.random.below(4) === 0)
      return { id, space, name: 'intention.append', args: { id: own.id, text: ` ${id.slice(-8)}` } }
    const intention = uuidv7()
    this.#ownIntention = { space, id: intention }
    return {
      id,
      space,
      name: 'intention.create',
      args: { id: intention, type: 'utterance', content: [`said as ${id}`] },
    }
  }

  async #writeUntilKnown(batch: readonly Named[]): Promise<void> {
    let left = batch
    if (this.#options.random.below(8) === 0) this.#node += 1
    while (left.length > 0 && this.#mode !== 'stopped') {
      const outcome = await this.#post(this.#api(), left)
      switch (outcome.kind) {
        case 'answered':
          this.#note(left, outcome.results)
          return
        case 'refused':
          this.refusals += 1
          this.#node += 1
          await sleep(outcome.retryAfterMs)
          break
        case 'unknown':
          this.unknownOutcomes += 1
          this.#node += 1
          if (this.#options.random.below(2) === 0) left = await this.#lookUp(left)
          await sleep(PAUSE_AFTER_FAILURE_MS)
          break
        default:
          outcome satisfies never
      }
    }
  }

  #api(): string {
    const apis = this.#options.apis()
    return apis[this.#node % apis.length] ?? ''
  }

  async #post(
    api: string,
    mutations: readonly Named[],
  ): Promise<
    { kind: 'answered'; results: MutationResult[] } | { kind: 'refused'; retryAfterMs: number } | { kind: 'unknown' }
  > {
    try {
      const answer = await call<{ results: MutationResult[] } | Problem>(api, 'POST', '/v1/mutations', {
        token: this.#options.token,
        body: { mutations },
        timeoutMs: ANSWER_WITHIN_MS,
      })
      if ('results' in answer.body) return { kind: 'answered', results: answer.body.results }
      this.lastFailure = `${answer.status} ${answer.body.code}: ${answer.body.detail}`
      if (answer.body.code === 'outcome-unknown' || answer.body.code === 'internal') return { kind: 'unknown' }
      if (answer.status === 503 || answer.status === 429)
        return { kind: 'refused', retryAfterMs: Math.min(answer.body.retryAfterMs ?? PAUSE_AFTER_FAILURE_MS, 500) }
      this.problems.push(`the api answered ${this.lastFailure}`)
      return { kind: 'unknown' }
    } catch (error) {
      this.lastFailure = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      return { kind: 'unknown' }
    }
  }

  /**
   * Asks for each outcome; returns those that are not known yet. The part of a batch in one space commits together, so
   * once one of it is there, all asked for later must be there too.
   */
  async #lookUp(mutations: readonly Named[]): Promise<readonly Named[]> {
    const left: Named[] = []
    const committed = new Set<string>()
    for (const mutation of mutations) {
      const outcome = await this.#outcomeOf(mutation)
      if (outcome === undefined) return [...left, ...mutations.slice(mutations.indexOf(mutation))]
      if (outcome === 'none') {
        if (committed.has(mutation.space))
          this.problems.push(`a part of a batch in ${mutation.space} was applied without ${mutation.id}`)
        left.push(mutation)
      } else {
        committed.add(mutation.space)
        this.#note([mutation], [outcome])
      }
    }
    return left
  }

  async #outcomeOf({ id }: Named): Promise<MutationResult | 'none' | undefined> {
    try {
      const answer = await call<MutationResult>(this.#api(), 'GET', `/v1/mutations/${id}`, {
        token: this.#options.token,
        timeoutMs: ANSWER_WITHIN_MS,
      })
      if (answer.status === 404) return 'none'
      return answer.status === 200 ? answer.body : undefined
    } catch (error) {
      this.lastFailure = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      return undefined
    }
  }

  #note(mutations: readonly Named[], results: readonly MutationResult[]): void {
    const last = new Map<string, number>()
    for (const [index, mutation] of mutations.entries()) {
      const result = results[index]
      if (
        result?.id !== mutation.id ||
        result.status === 'rejected' ||
        result.error !== undefined ||
        result.version === undefined
      ) {
        this.problems.push(`${mutation.name} ${mutation.id} was answered ${JSON.stringify(result)}`)
        continue
      }
      if (result.version <= (last.get(mutation.space) ?? 0))
        this.problems.push(`a batch in ${mutation.space} was not applied in its order at ${result.version}`)
      last.set(mutation.space, result.version)
      this.#options.acknowledgements.add(mutation.space, result.version, mutation.id)
    }
  }
}
