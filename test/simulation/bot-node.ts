/**
 * A copy of a bot as a process. It looks for work, claims what nobody holds, says its words one by one and ends the
 * reply. A careful one waits for each answer and sends the same again until there is one, as `runBot` does; a hasty one
 * says on meanwhile and sends what got no answer anew, under another id, as a bot may that somebody wrote by hand.
 */
import type { Intention, Mutation, MutationResult } from '@rhizom/protocol'
import type { BotApi, Wanted } from './bot-api.ts'
import { BOT, wordsOf } from './bot-ledger.ts'
import type { Chance } from './chance.ts'
import { Gate } from './gate.ts'
import type { BotManner, BotsShape } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface BotPorts {
  time: VirtualTime
  chance: Chance
  api: BotApi
  shape: BotsShape
}

const LOOK_EVERY_MS = 300
const AT_ONCE = 2
const AGAIN_AFTER_MS = 120
const PATIENCE_MS = 2_000
/** How often it thinks for longer than its lease before it speaks. */
const THINKS = 0.25

export class BotNode {
  readonly name: string
  readonly gate: Gate
  readonly #manner: BotManner
  readonly #ports: BotPorts
  readonly #underWay = new Set<string>()
  #isStopping = false
  isCutOff = false

  constructor(name: string, manner: BotManner, ports: BotPorts) {
    this.name = name
    this.#manner = manner
    this.#ports = ports
    this.gate = new Gate(ports.time)
    void this.#run()
  }

  /** It takes no more and hands back what is under way. */
  stop(): void {
    this.gate.enter(() => (this.#isStopping = true))
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#pause(LOOK_EVERY_MS)
      const found = this.isCutOff ? undefined : await this.#ports.api.work(this.gate)
      for (const work of found ?? [])
        if (this.#underWay.size < AT_ONCE && !this.#underWay.has(work.id)) await this.#claim(work)
    }
  }

  async #claim({ id }: Intention): Promise<void> {
    const { leaseMs } = this.#ports.shape
    const [result] = await this.#insist([{ name: 'intention.claim', args: { id, leaseMs, fence: 0 } }])
    // Under the id of a claim that it made: what was answered first stands.
    if (result?.error !== undefined || result?.version === undefined) return
    this.#underWay.add(id)
    void this.#carryOut(id, result.version).finally(() => this.#underWay.delete(id))
  }

  async #carryOut(id: string, fence: number): Promise<void> {
    const { shape, chance } = this.#ports
    if (chance.happens(THINKS) && !(await this.#think(id, fence))) return
    const pending: Promise<boolean>[] = []
    let isLost = false
    let at = 0
    for (const text of wordsOf(fence, shape.words)) {
      await this.#pause(chance.int(1, 2 * shape.wordEveryMs))
      if (this.#isStopping)
        return void (await this.#write({ name: 'intention.update', args: { id, state: 'draft', fence } }))
      const written = this.#write({ name: 'intention.append', args: { id, text, at, fence } })
      at += text.length
      if (this.#manner === 'careful') isLost ||= !(await written)
      else pending.push(written.then((isWritten) => (isLost ||= !isWritten)))
      if (isLost) return
    }
    await Promise.all(pending)
    if (!isLost) await this.#write({ name: 'intention.update', args: { id, state: 'complete', fence } })
  }

  /** Renews its claim for two leases; false if it was lost meanwhile. */
  async #think(id: string, fence: number): Promise<boolean> {
    const { leaseMs } = this.#ports.shape
    for (let round = 0; round < 6 && !this.#isStopping; round++) {
      await this.#pause(leaseMs / 3)
      if (!(await this.#write({ name: 'intention.claim', args: { id, leaseMs, fence } }))) return false
    }
    return true
  }

  /** Whether it is written; a gap is what overtook the words before it, and is written when these are there. */
  async #write(wanted: Wanted): Promise<boolean> {
    for (let tries = 0; tries < 100; tries++) {
      const [result] = await this.#insist([wanted])
      if (result?.error === undefined) return true
      if (result.error.code !== 'gap' || this.#manner === 'careful') return false
      await this.#pause(AGAIN_AFTER_MS)
    }
    return false
  }

  async #insist(wanted: readonly Wanted[]): Promise<MutationResult[]> {
    const { api } = this.#ports
    const made = (): Mutation[] => wanted.map((one) => api.mutation(one))
    const first = made()
    const isAnew = this.#manner === 'hasty' && wanted.every(({ name }) => name !== 'intention.claim')
    for (let mutations = first; ; mutations = isAnew ? made() : first) {
      const results = await this.#ask(mutations)
      if (results !== undefined) return results
      await this.#pause(AGAIN_AFTER_MS)
    }
  }

  async #ask(mutations: readonly Mutation[]): Promise<MutationResult[] | undefined> {
    if (this.isCutOff) return this.gate.later(PATIENCE_MS, () => undefined)
    const results = await this.#ports.api.mutate(this.gate, { name: this.name, actor: BOT }, mutations)
    return this.isCutOff ? undefined : results
  }

  #pause(ms: number): Promise<void> {
    return this.gate.later(ms, () => undefined)
  }
}
