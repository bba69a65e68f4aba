/**
 * Asks everybody who tells of presence (each client's rosters, each api node, the hashes in Redis) until all say
 * exactly who is here, and judges what clients were told on the way. Who is here is what the harness' own pages mean to
 * be.
 *
 *   exact   every list and every hash is the truth; what is not so in time is a ghost, missing, or wrong
 *   blink   somebody was called away who was never away for as long as the grace
 *   once    those who vanished with a gateway left in one frame, within its lease
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { compareFields, compareStates, type Difference, isExact } from '@rhizom/kit/presence-verdict.ts'
import { presenceAnswerSchema, REDIS } from '@rhizom/protocol'
import { call } from '../../wire/api-caller.ts'
import type { Rig } from '../rig.ts'
import { withRedis } from '../stores.ts'
import type { Watcher } from '../watcher.ts'
import { Attendance } from './attendance.ts'
import { blinksOf, problemsOfVanished, type Told, type Vanished } from './departure-verdict.ts'

export interface Exactness {
  /** From the given moment until everything was exact. */
  exactMs: number | undefined
  ghosts: string[]
  missing: string[]
  /** What else was not as it should be, and where all of it was seen. */
  problems: string[]
}

export interface PresenceFindings {
  /** `space being` of those called away without reason. */
  blinks: string[]
  problems: string[]
}

export interface PresenceJudgeOptions {
  rig: Rig
  /** Every client that is there, or means to be. */
  pages: () => readonly Watcher[]
  spaces: readonly string[]
  token: () => string
}

const LOOK_EVERY_MS = 20
const ASK_EVERY_MS = 100
const ASK_WITHIN_MS = 2_000
const REMEMBERED_MS = 120_000

type Place = Difference & { where: string; space: string }

export class PresenceJudge {
  readonly attendance = new Attendance()
  readonly #options: PresenceJudgeOptions
  #retired: Watcher[] = []
  #vanished: Vanished[] = []

  constructor(options: PresenceJudgeOptions) {
    this.#options = options
  }

  /** A client that is gone for good is judged once more. */
  retire(page: Watcher): void {
    this.#retired.push(page)
  }

  vanished(group: Vanished): void {
    this.#vanished.push(group)
  }

  /** Nobody may come or go meanwhile. Never rejects: what does not answer is not exact. */
  async untilExact(from: number, withinMs: number): Promise<Exactness> {
    const { rig } = this.#options
    const begunAt = performance.now()
    for (;;) {
      let places = this.#clients()
      const isOver = rig.took(begunAt) > withinMs
      if (isOver || places.every(isExact)) {
        places = [...places, ...(await this.#others())]
        if (places.every(isExact) && this.#clients().every(isExact))
          return { exactMs: performance.now() - from, ghosts: [], missing: [], problems: [] }
        if (isOver) return inexact(places)
        await sleep(ASK_EVERY_MS)
      }
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** What was told since it was last asked, and let go of now. */
  judge(): PresenceFindings {
    const now = performance.now()
    const findings: PresenceFindings = { blinks: [], problems: [] }
    const told = this.#told()
    for (const { name, roster } of told)
      findings.problems.push(...roster.malformed.map((what) => `malformed presence to ${name}: ${what}`))
    const blinks = told.flatMap((one) => blinksOf(one, this.attendance, now, this.#options.rig.owed))
    for (const [who, [first, ...others]] of Map.groupBy(blinks, (blink) => blink.who)) {
      findings.blinks.push(who)
      findings.problems.push(`${first?.problem}${others.length > 0 ? `; ${others.length} more were told` : ''}`)
    }
    for (const group of this.#vanished)
      findings.problems.push(...problemsOfVanished(group, told, this.#options.rig.owed))
    this.forget()
    return findings
  }

  forget(): void {
    const now = performance.now()
    for (const { roster } of this.#told()) roster.forget()
    this.#retired = []
    this.#vanished = []
    this.attendance.forget(now - REMEMBERED_MS, now)
  }

  #told(): Told[] {
    return [...this.#options.pages(), ...this.#retired].flatMap(({ name, reconnecting, rosters }) =>
      [...rosters.values()].map((roster) => ({ name, gateway: reconnecting.gateway, roster })),
    )
  }

  #clients(): Place[] {
    const { pages, spaces } = this.#options
    const expected = new Map(spaces.map((space) => [space, expectedIn(space, pages()).here]))
    return pages().flatMap((page) =>
      [...page.rosters.values()].flatMap(({ space, roster }): Place[] => {
        if (page.state === 'asleep' || page.state === 'stopped') return []
        const { status } = roster
        const where = `${page.name} (gateway ${page.reconnecting.gateway + 1}, ${page.state}, ${status})`
        if (status === 'exact' && page.isSettled) {
          const listed = new Map([...roster.list.values()].map(({ being, state }) => [being, state]))
          return [{ where, space, ...compareStates(expected.get(space) ?? new Map(), listed) }]
        }
        return [{ where, space, ghosts: [], missing: [], wrong: ['its roster is not exact'] }]
      }),
    )
  }

  async #others(): Promise<Place[]> {
    const { rig, spaces } = this.#options
    const asked = rig.apis.flatMap(({ name, url }) => spaces.map((space) => this.#askApi(name, url, space)))
    const [stored, ...told] = await Promise.all([this.#askRedis(), ...asked])
    return [...stored, ...told]
  }

  async #askApi(name: string, url: string, space: string): Promise<Place> {
    const place = { where: name, space }
    const expected = expectedIn(space, this.#options.pages()).here
    try {
      const options = { token: this.#options.token(), timeoutMs: ASK_WITHIN_MS }
      const answer = presenceAnswerSchema.parse((await call(url, 'GET', `/v1/spaces/${space}/presence`, options)).body)
      const difference = compareStates(expected, new Map(answer.here.map(({ being, state }) => [being, state])))
      if (answer.hereCount !== answer.here.length) difference.wrong.push(`${answer.hereCount} are counted`)
      if (answer.frozen) difference.wrong.push('it says that it is frozen')
      return { ...place, ...difference }
    } catch (error) {
      return { ...place, ghosts: [], missing: [], wrong: [`no answer: ${String(error)}`] }
    }
  }

  async #askRedis(): Promise<Place[]> {
    const { rig, spaces, pages } = this.#options
    try {
      return await withRedis(rig.stores.redis.primary.url, async (redis) => {
        const leases = new Set(
          (await redis.keys(REDIS.gatewayLease('*'))).map((key) => key.slice(REDIS.gatewayLease('').length)),
        )
        return Promise.all(
          spaces.map(async (space): Promise<Place> => {
            const fields = await redis.hkeys(REDIS.here(space))
            return { where: 'Redis', space, ...compareFields(expectedIn(space, pages()).parts, fields, leases) }
          }),
        )
      })
    } catch (error) {
      return [{ where: 'Redis', space: '', ghosts: [], missing: [], wrong: [`no answer: ${String(error)}`] }]
    }
  }
}

/** Who should be listed in a space, and through which gateways. */
function expectedIn(space: string, pages: readonly Watcher[]): { here: Map<string, unknown>; parts: Set<string>[] } {
  const here = new Map<string, unknown>()
  const parts = new Map<number, Set<string>>()
  for (const page of pages) {
    if (!page.isHereIn(space)) continue
    const { being, isVoice } = page
    const { gateway } = page.reconnecting
    if (isVoice || !here.has(being)) here.set(being, isVoice ? page.stateIn(space) : {})
    parts.set(gateway, (parts.get(gateway) ?? new Set()).add(being))
  }
  return { here, parts: [...parts.values()] }
}

function inexact(places: readonly Place[]): Exactness {
  const named = (kind: 'ghosts' | 'missing'): string[] => [
    ...new Set(places.flatMap((place) => place[kind].map((being) => `${place.space} ${being}`))),
  ]
  const lines = (['ghosts', 'missing', 'wrong'] as const).flatMap((kind) =>
    places
      .filter((place) => place[kind].length > 0)
      .map(({ where, space, [kind]: what }) => `presence, ${kind}: ${where}, ${space}: ${what.join(', ')}`),
  )
  return { exactMs: undefined, ghosts: named('ghosts'), missing: named('missing'), problems: lines }
}
