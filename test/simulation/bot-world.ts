/** The copies of a bot in a world, those who ask them, and what an operation of a plan does to both. */
import type { Mutation } from '@rhizom/protocol'
import type { ApiModel } from './api-model.ts'
import { ASKER, BotApi, type Wanted } from './bot-api.ts'
import { BotLedger } from './bot-ledger.ts'
import { BotNode } from './bot-node.ts'
import { Chance } from './chance.ts'
import { add, type Coverage } from './coverage.ts'
import { Gate } from './gate.ts'
import type { Oracle } from './oracle.ts'
import type { BotOp, BotsShape, Weather } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What of the world they live in. */
export interface BotSurroundings {
  readonly plan: { readonly seed: number }
  readonly time: VirtualTime
  readonly api: ApiModel
  readonly oracle: Oracle
  readonly coverage: Coverage
  note(what: string): void
}

const ASK_AGAIN_AFTER_MS = 300

export class BotWorld {
  readonly ledger: BotLedger
  readonly api: BotApi
  readonly copies: BotNode[] = []
  readonly #world: BotSurroundings
  readonly #shape: BotsShape
  readonly #asker: Gate
  #lives = 0
  #asked = 0

  constructor(world: BotSurroundings, shape: BotsShape, weather: () => Weather) {
    const { time, oracle, plan, coverage } = world
    this.#world = world
    this.#shape = shape
    this.#asker = new Gate(time)
    this.ledger = new BotLedger({
      shape,
      now: time.now,
      fail: (rule, text) => oracle.fail(rule, text),
      met: (what) => add(coverage, `bots ${what}`),
    })
    const chance = new Chance(plan.seed, 'bot api')
    this.api = new BotApi({ time, chance, api: world.api, ledger: this.ledger, shape, weather })
    for (const copy of shape.manners.keys()) this.start(copy)
  }

  start(copy: number): void {
    const manner = this.#shape.manners[copy]
    if (manner === undefined || this.copies[copy]?.gate.isDead === false) return
    const name = `bot${copy}.${++this.#lives}`
    const { time, plan } = this.#world
    this.copies[copy] = new BotNode(name, manner, {
      time,
      chance: new Chance(plan.seed, name),
      api: this.api,
      shape: this.#shape,
    })
  }

  apply(op: BotOp): void {
    switch (op.kind) {
      case 'botAsked':
        return this.ask()
      case 'replyCancelled': {
        const reply = pick(this.ledger.open, op.pick)
        if (reply !== undefined) this.#insist({ name: 'intention.update', args: { id: reply.id, state: 'cancelled' } })
        return
      }
      case 'replyRetried': {
        const reply = pick(this.ledger.withoutAnswer, op.pick)
        if (reply !== undefined) this.retry(reply.id)
        return
      }
      case 'leaderAway':
        return this.api.loseLeader(op.forMs)
      case 'botKilled':
      case 'botFreezes':
      case 'botCutOff':
      case 'botStops':
        return this.#suffer(op)
      default:
        return op satisfies never
    }
  }

  ask(): void {
    const id = uuidOf(++this.#asked)
    this.#insist({ name: 'intention.create', args: { id, type: 'utterance', content: [`question ${this.#asked}`] } })
  }

  retry(id: string): void {
    this.#insist({ name: 'intention.retry', args: { id } })
  }

  heal(): void {
    this.api.heal()
    for (const [index, copy] of this.copies.entries()) {
      copy.isCutOff = false
      copy.gate.thaw()
      this.start(index)
    }
  }

  #suffer(op: Extract<BotOp, { copy: number }>): void {
    const copy = this.copies[op.copy]
    if (copy === undefined || copy.gate.isDead) return
    const { time } = this.#world
    switch (op.kind) {
      case 'botKilled':
        copy.gate.kill()
        time.after(op.forMs, () => this.start(op.copy))
        return
      case 'botFreezes':
        copy.gate.freeze()
        time.after(op.forMs, () => copy.gate.thaw())
        return
      case 'botCutOff':
        copy.isCutOff = true
        time.after(op.forMs, () => (copy.isCutOff = false))
        return
      case 'botStops':
        copy.stop()
        time.after(op.forMs, () => {
          copy.gate.kill()
          this.start(op.copy)
        })
        return
      default:
        op satisfies never
    }
  }

  /** Whoever asks does so again, under the same id, until there is an answer. */
  #insist(wanted: Wanted): void {
    const mutation = this.api.mutation(wanted)
    const attempt = async (sent: Mutation): Promise<void> => {
      const results = await this.api.mutate(this.#asker, { name: 'asker', actor: ASKER }, [sent])
      if (results === undefined) this.#asker.after(ASK_AGAIN_AFTER_MS, () => void attempt(sent))
    }
    void attempt(mutation)
  }
}

const pick = <T>(items: readonly T[], number: number): T | undefined => items[number % Math.max(1, items.length)]

const uuidOf = (number: number): string => `0193b2a0-0009-7000-8000-${String(number).padStart(12, '0')}`
