/**
 * The api and its Postgres as the other parts see them: commits, answers to reads of the log and of heads, the
 * announcement of heads, and tokens. Between commit and publish anything can happen, so how a commit is announced is
 * said by whoever commits.
 */
import { type BeingId, encodeChangesMessage, type Position, type SpaceId } from '@rhizom/protocol'
import { readersOf } from '../../gateway/src/core/feed/access.ts'
import { openFrame } from '../../gateway/src/core/feed/open-frame.ts'
import type { HeldSnapshot, LogAnswer, ReadRequest } from '../../gateway/src/core/feed/state.ts'
import { encodeRun } from '../../gateway/src/core/feed/run.ts'
import type { HeadsOutcome, ReadOutcome, TokenOutcome } from '../../gateway/src/ports.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { PublishMode, Weather } from './plan.ts'
import type { RedisModel } from './redis-model.ts'
import { type Cause, type Entry, SpaceModel } from './space-model.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface ApiPorts {
  time: VirtualTime
  chance: Chance
  weather: () => Weather
  redis: RedisModel
  catchUpLimit: number
  tokenLifeMs: number
  note(what: string): void
}

export type Absence = 'refuses' | 'hangs' | 'unavailable'

const HEADS_EVERY_MS = 1_000
const HEADS_WINDOW_MS = 10_000
const READ_TIMEOUT_MS = 2_000
const UNAVAILABLE_RETRY_MS = 1_000

export class ApiModel {
  readonly spaces = new Map<SpaceId, SpaceModel>()
  /** Every message ever published, of all epochs: what a bus might bring again. */
  readonly published: { space: SpaceId; epoch: string; message: Uint8Array }[] = []
  readonly #ports: ApiPorts
  readonly #absences = new Set<{ how: Absence }>()
  readonly #headsAbsences = new Set<object>()

  constructor(ports: ApiPorts) {
    this.#ports = ports
    this.#announceHeads()
  }

  space(id: SpaceId): SpaceModel {
    const known = this.spaces.get(id)
    if (known !== undefined) return known
    const made = new SpaceModel(id, this.#ports.chance.uuid())
    this.spaces.set(id, made)
    return made
  }

  commit(
    space: SpaceModel,
    entries: readonly Entry[],
    cause: Omit<Cause, 'at' | 'mutation'> & Partial<Pick<Cause, 'mutation'>>,
    publish: PublishMode,
  ): void {
    const { time, chance, note } = this.#ports
    if (entries.length === 0) return
    const from = space.current.version
    const { epoch } = space.current
    const changes = space.commit(entries, {
      ...cause,
      at: time.now(),
      mutation: cause.mutation ?? chance.uuid(),
    })
    const kinds = changes.map(({ kind }) => kind).join(' ')
    note(`commit ${space.id} ${from}→${from + changes.length} ${kinds}${publish === 'never' ? ', not published' : ''}`)
    if (publish === 'never') return
    const message = encodeChangesMessage(space.id, epoch, from, changes)
    time.after(publish.afterMs, () => {
      this.published.push({ space: space.id, epoch, message })
      this.#ports.redis.publish({ space: space.id, message })
    })
  }

  goAway(how: Absence, forMs: number): void {
    const absence = { how }
    this.#absences.add(absence)
    this.#ports.note(`the api ${how}`)
    this.#ports.time.after(forMs, () => {
      if (this.#absences.delete(absence)) this.#ports.note('the api is back')
    })
  }

  loseHeads(forMs: number): void {
    const absence = {}
    this.#headsAbsences.add(absence)
    this.#ports.time.after(forMs, () => this.#headsAbsences.delete(absence))
  }

  comeBack(): void {
    this.#absences.clear()
    this.#headsAbsences.clear()
  }

  /** A read by a gateway: the moment it speaks of lies somewhere between the question and the answer. */
  read(gate: Gate, space: SpaceId, request: ReadRequest): Promise<ReadOutcome> {
    return this.#ask<ReadOutcome>(
      gate,
      () => this.#answer(space, request),
      (problem, retryAfterMs) => ({ type: 'failed', problem, retryAfterMs }),
    )
  }

  heads(gate: Gate, spaces: readonly SpaceId[]): Promise<HeadsOutcome> {
    return this.#ask<HeadsOutcome>(
      gate,
      () => {
        const heads = new Map<SpaceId, Position>()
        for (const id of spaces) {
          const space = this.spaces.get(id)
          if (space?.exists === true) heads.set(id, positionOf(space))
        }
        return { type: 'answered', heads }
      },
      (problem) => ({ type: 'failed', problem }),
    )
  }

  /** A token is readable here, `being expiry`: signatures are not what is tested. */
  issueToken(being: BeingId): { token: string; expiresAt: number } {
    const expiresAt = this.#ports.time.now() + this.#ports.tokenLifeMs
    return { token: `${being} ${expiresAt}`, expiresAt }
  }

  verify(gate: Gate, token: string): Promise<TokenOutcome> {
    const { time, chance } = this.#ports
    const [being, expiry] = token.split(' ')
    const expiresAt = Number(expiry)
    return gate.later(chance.int(0, 3), () => {
      if (being === undefined || Number.isNaN(expiresAt)) return { ok: false, reason: 'invalid' }
      return expiresAt > time.now() ? { ok: true, being, expiresAt } : { ok: false, reason: 'expired' }
    })
  }

  /** Somebody asks the api something. `undefined` if it does not answer. */
  request<T>(gate: Gate, answer: () => T): Promise<T | undefined> {
    return this.#ask<T | undefined>(gate, answer, () => undefined)
  }

  #ask<T>(gate: Gate, answer: () => T, failed: (problem: string, retryAfterMs: number | undefined) => T): Promise<T> {
    const { time, chance, weather } = this.#ports
    const { readFails, readIsSlow } = weather()
    const isSlow = chance.happens(readIsSlow)
    const there = isSlow ? chance.int(20, 600) : chance.int(2, 12)
    const back = isSlow ? chance.int(20, 600) : chance.int(2, 12)
    const fails = chance.happens(readFails)
    return new Promise((resolve) => {
      const settle = (ms: number, value: T): void => {
        time.after(ms, () =>
          gate.enter(() => {
            time.touchPromises()
            resolve(value)
          }),
        )
      }
      time.after(there, () => {
        const [absence] = this.#absences
        if (absence?.how === 'hangs') settle(READ_TIMEOUT_MS, failed('timeout', undefined))
        else if (absence?.how === 'unavailable') settle(back, failed('unavailable', UNAVAILABLE_RETRY_MS))
        else if (absence !== undefined || fails) settle(back, failed('refused', undefined))
        else settle(back, answer())
      })
    })
  }

  #answer(id: SpaceId, { after }: ReadRequest): ReadOutcome {
    const space = this.spaces.get(id)
    if (space === undefined || !space.exists) return { type: 'missing' }
    const { now } = space
    const { epoch, version } = positionOf(space)
    const readers = readersOf({ visibility: now.visibility, readers: [...now.members.keys()] })
    const isNear = after !== undefined && version - after.version <= this.#ports.catchUpLimit
    const changes = after !== undefined && isNear ? space.changesAfter(after.epoch, after.version) : undefined
    if (after === undefined || changes === undefined)
      return {
        type: 'answered',
        answer: { epoch, version, readers, catchUp: { kind: 'snapshot', snapshot: snapshotOf(space) } },
      }
    const run = changes.length === 0 ? undefined : encodeRun(id, epoch, after.version, changes)
    const answer: LogAnswer = { epoch, version, readers, catchUp: { kind: 'changes', from: after.version, run } }
    return { type: 'answered', answer }
  }

  #announceHeads(): void {
    const { time, redis } = this.#ports
    time.after(HEADS_EVERY_MS, () => {
      this.#announceHeads()
      if (this.#headsAbsences.size > 0) return
      const lately = [...this.spaces.values()].filter(({ changedAt }) => changedAt > time.now() - HEADS_WINDOW_MS)
      if (lately.length === 0) return
      redis.publish({ heads: Object.fromEntries(lately.map((space) => [space.id, positionOf(space)])) })
    })
  }
}

const positionOf = ({ current: { epoch, version } }: SpaceModel): Position => ({ epoch, version })

/** As `gateway/src/api/client.ts` makes it. */
function snapshotOf(model: SpaceModel): HeldSnapshot {
  const { space: entity, ...rest } = model.snapshot()
  const frame = JSON.stringify({ type: 'snapshot', space: model.id, ...rest, entity })
  return { epoch: rest.epoch, version: rest.version, frame: openFrame(frame) }
}
