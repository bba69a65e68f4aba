/**
 * What a bot writes that answers word by word: a draft, a claim on it, appends that say where they belong and under
 * which claim, and at last that it is complete; then the next. Tokens come faster than it writes: what came meanwhile
 * goes in one append, so that a stream makes only so many changes a second. Pure but for the ids.
 */
import type { Plan } from './plan.ts'
import type { Mutation } from './wire.ts'

const LEASE_MS = 30_000
const TOKEN = 'word '

type Stage = 'new' | 'claiming' | 'writing' | 'ending'

export class TokenStream {
  readonly #space: string
  readonly #newId: () => string
  readonly #tokensAnAppend: number
  readonly #tokensAReply: number
  #stage: Stage = 'new'
  #reply = ''
  #written = 0
  #fence = 0
  #text = ''
  complete = 0

  constructor(plan: Plan, space: string, newId: () => string) {
    const { tokensPerSecond, tokensPerReply } = plan.stream ?? { tokensPerSecond: 1, tokensPerReply: 1 }
    this.#space = space
    this.#newId = newId
    this.#tokensAnAppend = Math.max(1, Math.round((tokensPerSecond * plan.writers) / plan.rate))
    this.#tokensAReply = tokensPerReply
  }

  /** One change a turn. */
  next(): Mutation[] {
    switch (this.#stage) {
      case 'new': {
        this.#reply = this.#newId()
        this.#written = 0
        return [this.#mutation('intention.create', { type: 'utterance', content: [''], state: 'draft' })]
      }
      case 'claiming':
        return [this.#mutation('intention.claim', { leaseMs: LEASE_MS, fence: 0 })]
      case 'writing':
        this.#text = TOKEN.repeat(this.#tokensAnAppend)
        return [this.#mutation('intention.append', { text: this.#text, at: this.#written, fence: this.#fence })]
      case 'ending':
        return [this.#mutation('intention.update', { state: 'complete', fence: this.#fence })]
      default:
        return this.#stage satisfies never
    }
  }

  /** What became of it. Where it was refused the stream begins anew. */
  acknowledged([version]: readonly (number | undefined)[]): void {
    if (version === undefined) {
      this.#stage = 'new'
      return
    }
    switch (this.#stage) {
      case 'new':
        this.#stage = 'claiming'
        return
      case 'claiming':
        this.#fence = version
        this.#stage = 'writing'
        return
      case 'writing':
        this.#written += this.#text.length
        if (this.#written >= this.#tokensAReply * TOKEN.length) this.#stage = 'ending'
        return
      case 'ending':
        this.complete += 1
        this.#stage = 'new'
        return
      default:
        this.#stage satisfies never
    }
  }

  #mutation(name: string, args: Record<string, unknown>): Mutation {
    return { id: this.#newId(), space: this.#space, name, args: { id: this.#reply, ...args } }
  }
}
