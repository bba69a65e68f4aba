/**
 * The api as bots and those who ask them use it: one space in the memory of @rhizom/domain, where each request is
 * decided as the api decides it and its changes go into the log that gateways read, and the duty of the leader. A
 * request may be lost, refused, late or carried out twice, and its answer lost, as weather and absences have it.
 */
import type { BeingId, Change, Intention, Mutation, MutationResult, SpaceId } from '@rhizom/protocol'
import { LIMITS } from '@rhizom/protocol'
import { applyBatch, emptyWorld, expireLeases, type LoggedChange, unplaced } from '../../domain/src/index.ts'
import type { ApiModel } from './api-model.ts'
import { BOT, type BotLedger } from './bot-ledger.ts'
import type { Chance } from './chance.ts'
import { someBeing } from './client-node.ts'
import type { Gate } from './gate.ts'
import type { BotsShape, Weather } from './plan.ts'
import type { Entry, SpaceModel } from './space-model.ts'
import type { VirtualTime } from './virtual-time.ts'
import { OWNER } from './writes.ts'

export const ASKED: SpaceId = '@asked'
export const ASKER: BeingId = '@asker'

/** A mutation without what every one has. */
export type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id' | 'space'> : never) : never

export interface BotApiPorts {
  time: VirtualTime
  chance: Chance
  api: ApiModel
  ledger: BotLedger
  shape: BotsShape
  weather: () => Weather
}

const DUTY_EVERY_MS = 250
/** A proxy, or the copy itself, has sent a request twice. */
const REPEATED = 0.15
const REPEATED_WITHIN_MS = 4_000

export class BotApi {
  readonly #ports: BotApiPorts
  readonly #world = emptyWorld()
  readonly #space: SpaceModel
  readonly #leaderAbsences = new Set<object>()

  constructor(ports: BotApiPorts) {
    this.#ports = ports
    this.#space = ports.api.space(ASKED)
    for (const being of [OWNER, ASKER]) this.#world.beings.set(being, someBeing(being, null))
    const begin = (wanted: Wanted): void => void this.#apply(OWNER, this.mutation(wanted))
    begin({ name: 'space.create', args: { name: 'Asked' } })
    begin({ name: 'being.create', args: { id: BOT, type: 'bot', name: 'Bot', properties: { wakes: 'all' } } })
    this.#duty()
  }

  mutation(wanted: Wanted): Mutation {
    return { id: this.#ports.chance.uuid(), space: ASKED, ...wanted }
  }

  /** Undefined if there was no answer. */
  async mutate(
    gate: Gate,
    { name, actor }: { name: string; actor: BeingId },
    mutations: readonly Mutation[],
  ): Promise<MutationResult[] | undefined> {
    const { api, chance, time, weather, ledger } = this.#ports
    const carryOut = (): MutationResult[] =>
      mutations.map((mutation) => {
        const result = this.#apply(actor, mutation)
        if (result.status !== 'duplicate') ledger.answered(name, mutation, result)
        return result
      })
    if (chance.happens(REPEATED)) time.after(chance.int(1, REPEATED_WITHIN_MS), () => void carryOut())
    const results = await api.request(gate, carryOut)
    return chance.happens(weather().readFails) ? undefined : results
  }

  work(gate: Gate): Promise<Intention[] | undefined> {
    return this.#ports.api.request(gate, () =>
      [...this.#world.intentions.values()]
        .filter(({ owner, state }) => owner === BOT && state === 'draft')
        .map((placed) => unplaced(placed)),
    )
  }

  /** Nobody leads, so that no lease is looked after. */
  loseLeader(forMs: number): void {
    const absence = {}
    this.#leaderAbsences.add(absence)
    this.#ports.time.after(forMs, () => this.#leaderAbsences.delete(absence))
  }

  heal(): void {
    this.#leaderAbsences.clear()
  }

  #apply(actor: BeingId, mutation: Mutation): MutationResult {
    const { epoch } = this.#space.current
    const newReplyId = (): string => this.#ports.chance.uuid()
    const requested = [{ actor, mutation, epoch, newReplyId }]
    const options = { maxContentBytes: LIMITS.maxContentBytes }
    const { results, changes } = applyBatch(this.#world, requested, this.#ports.time.now(), options)
    this.#commit(changes, false)
    const [result] = results
    if (result === undefined) throw new Error('a mutation without a result')
    return result
  }

  #commit(changes: readonly LoggedChange[], byDuty: boolean): void {
    const { api, chance, ledger, weather } = this.#ports
    for (const { change } of changes) {
      const isSilent = chance.happens(weather().readFails / 4)
      const publish = isSilent ? 'never' : { afterMs: chance.int(0, 5) }
      api.commit(this.#space, [entryOf(change)], { actor: change.actor, mutation: change.mutation }, publish)
      ledger.committed(change, byDuty)
    }
  }

  #duty(): void {
    const { time, shape, chance, ledger } = this.#ports
    time.after(DUTY_EVERY_MS, () => {
      this.#duty()
      if (this.#leaderAbsences.size > 0) return
      const options = { at: time.now(), maxAttempts: shape.maxAttempts, newId: () => chance.uuid() }
      this.#commit(expireLeases(this.#world, ASKED, options), true)
      ledger.dutyDone()
    })
  }
}

const entryOf = ({ version: _version, at: _at, actor: _actor, mutation: _mutation, ...entry }: Change): Entry => entry
