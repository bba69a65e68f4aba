/**
 * Who uses the rig while it fails: steady writers over both api nodes, clients that watch over all gateways, visitors
 * who come and go (arrival.ts brings them in). It lets one wait until they are level; what they were promised and told
 * is judged by message-judge.ts and presence/presence-judge.ts.
 *
 *   busy spaces (one of them private) · a quiet one · one for churn, where people come and go · one for bursts,
 *   watched by a client that can be slow
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, type MutationInput, type Session, freshId, utterance } from '../wire/api-caller.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { type Arrived, arrive } from './arrival.ts'
import { type Counts, countsOf } from './counts.ts'
import { MessageJudge } from './message-judge.ts'
import { PresenceJudge } from './presence/presence-judge.ts'
import type { Visitors } from './presence/visitors.ts'
import type { Random } from '../kit/chance.ts'
import type { Heads, Rig } from './rig.ts'
import type { Spaces } from './client-placement.ts'
import type { SpaceLog } from './space-log.ts'
import type { Watcher } from './watcher.ts'
import type { Pace, Writer } from './writer.ts'

const LOOK_EVERY_MS = 10
const QUIET_WITHIN_MS = 20_000
/** Well below the interval in which heads are announced. */
const QUICK_MS = 300
/** What is not there by then is not only late by what the machine owes. */
const LATE_MS = 2_000
const QUICK_IN_A_ROW = 3

export class Clients {
  readonly rig: Rig
  readonly pace: Pace
  readonly acknowledgements = new Acknowledgements()
  /** Api nodes that writers stay away from. */
  readonly avoided = new Set<string>()
  readonly spaces: Spaces = {
    busy: [freshId('lobby'), freshId('garden'), freshId('kitchen'), freshId('cellar')],
    quiet: freshId('quiet'),
    churn: freshId('churn'),
    burst: freshId('burst'),
  }
  readonly messages: MessageJudge
  readonly presence: PresenceJudge
  readonly #random: Random
  readonly #problems: string[] = []
  #arrived: Arrived | undefined

  constructor(rig: Rig, pace: Pace, random: Random) {
    this.rig = rig
    this.pace = pace
    this.#random = random
    this.messages = new MessageJudge(this)
    this.presence = new PresenceJudge({
      rig,
      pages: () => this.pages,
      spaces: this.allSpaces,
      token: () => this.owner.token,
    })
  }

  get owner(): Session {
    return this.#all.owner
  }

  get writers(): readonly Writer[] {
    return this.#all.writers
  }

  /** Those who stay. */
  get watchers(): readonly Watcher[] {
    return this.#all.watchers
  }

  /** Those who come and go. */
  get visitors(): Visitors {
    return this.#all.visitors
  }

  get logs(): ReadonlyMap<string, SpaceLog> {
    return this.#all.logs
  }

  /** Everybody who watches. */
  get pages(): Watcher[] {
    return [...this.watchers, ...this.visitors.pages]
  }

  get #all(): Arrived {
    if (this.#arrived === undefined) throw new Error('the clients is not there yet')
    return this.#arrived
  }

  get allSpaces(): string[] {
    const { busy, quiet, churn, burst } = this.spaces
    return [...busy, quiet, churn, burst]
  }

  /** Api nodes that may be called just now. */
  get apis(): string[] {
    return this.rig.apis.filter(({ name }) => !this.avoided.has(name)).map(({ url }) => url)
  }

  async arrive(counts: { writers: number }): Promise<void> {
    const { rig, spaces, allSpaces, pace, acknowledgements } = this
    const { attendance } = this.presence
    const venue = { rig, spaces, allSpaces, pace, acknowledgements, attendance }
    const apis = (): string[] => this.apis
    const pages = (): Watcher[] => this.pages
    const closed = (page: Watcher): void => this.#closed(page)
    const arrived = await arrive({ ...venue, apis, pages, closed }, this.#random, counts)
    this.#arrived = arrived
    for (const watcher of arrived.watchers) watcher.start()
    await this.untilLevel(await this.rig.heads(this.allSpaces), 20_000)
    for (const writer of arrived.writers) writer.start()
    arrived.visitors.goOn()
  }

  /** A page that will not be opened again: what it went through counts all the same. */
  #closed(page: Watcher): void {
    this.#problems.push(...problemsOf(page))
    this.presence.retire(page)
  }

  watchersOf(space: string): Watcher[] {
    return this.watchers.filter(({ witnesses }) => witnesses.has(space))
  }

  named(prefix: string): Watcher[] {
    return this.watchers.filter(({ name }) => name.startsWith(prefix))
  }

  /** Writes as the owner, past the writers. All must be applied; each counts as acknowledged. */
  async write(...mutations: (MutationInput & { space: string })[]): Promise<number[]> {
    const results = await apply(this.apis[0] ?? '', this.owner.token, ...mutations)
    return results.map(({ id, version = 0 }, index) => {
      this.acknowledgements.add(mutations[index]?.space ?? '', version, id)
      return version
    })
  }

  /** Spreads the clients over the gateways again: after an outage most of them are elsewhere. */
  async spread(): Promise<void> {
    for (const watcher of this.watchers) watcher.reconnecting.goHome()
    await eventually('every client is connected again', () => this.watchers.every(({ isSettled }) => isSettled))
  }

  areLevel(heads: Heads, who: readonly Watcher[] = this.watchers): boolean {
    return who.every((watcher) => watcher.isAt(heads))
  }

  /** Resolves with how long it took until everybody held these positions. */
  async untilLevel(heads: Heads, withinMs: number, who: readonly Watcher[] = this.watchers): Promise<number> {
    const begun = performance.now()
    if (await this.#becomeLevel(heads, withinMs, who)) return performance.now() - begun
    const behind = who.filter((watcher) => !watcher.isAt(heads)).map((watcher) => watcher.describe())
    const wanted = [...heads].map(([space, { version }]) => `${space} ${version}`).join(', ')
    throw new Error(`not level within ${withinMs} ms; the heads are ${wanted}; behind:\n${behind.join('\n')}`)
  }

  async #becomeLevel(heads: Heads, withinMs: number, who: readonly Watcher[]): Promise<boolean> {
    const begun = performance.now()
    while (!this.areLevel(heads, who)) {
      if (this.rig.took(begun) > withinMs) return false
      await sleep(LOOK_EVERY_MS)
    }
    return true
  }

  /**
   * Resolves when changes of every space reach everybody at once, several times in a row: over the bus, that is, and
   * not by the announcement of heads, which would bring them too if a subscription had been lost without anybody
   * noticing.
   */
  async untilQuick(withinMs: number): Promise<void> {
    const begun = performance.now()
    for (let inRow = 0; inRow < QUICK_IN_A_ROW; ) {
      if (this.rig.took(begun) > withinMs) throw new Error(`changes still come late ${withinMs} ms after healing`)
      inRow = (await this.#isQuick()) ? inRow + 1 : 0
    }
  }

  async #isQuick(): Promise<boolean> {
    const spaces = this.allSpaces
    const writes = spaces.map((space) => ({ ...utterance(space, 'are you there?'), space }))
    const versions = await this.write(...writes).catch(() => undefined)
    if (versions === undefined) return false
    const heads = spaces.map((space, index) => {
      const position = { epoch: this.logs.get(space)?.epoch ?? '', version: versions[index] ?? 0 }
      return [space, position] as const
    })
    const pushedTo = this.watchers.filter(({ carriedBy }) => carriedBy !== 'polling')
    const writtenAt = performance.now()
    return (await this.#becomeLevel(new Map(heads), LATE_MS, pushedTo)) && this.rig.took(writtenAt) <= QUICK_MS
  }

  /** Holds the writers when everything they asked for is known. */
  async holdWriting(): Promise<void> {
    for (const writer of this.writers) writer.pause()
    const begun = performance.now()
    while (!this.writers.every((writer) => writer.isQuiet)) {
      if (this.rig.took(begun) > QUIET_WITHIN_MS)
        throw new Error(
          `writes are still unresolved after ${QUIET_WITHIN_MS} ms; last failures: ${this.writers.map(({ lastFailure }) => lastFailure).join(' · ')}`,
        )
      await sleep(LOOK_EVERY_MS)
    }
  }

  goOnWriting(): void {
    for (const writer of this.writers) writer.goOn()
  }

  /** Resolves when so many more writes have been acknowledged. */
  async untilWritten(more: number, withinMs: number): Promise<void> {
    const goal = this.acknowledgements.total + more
    const begun = performance.now()
    while (this.acknowledgements.total < goal) {
      if (this.rig.took(begun) > withinMs)
        throw new Error(
          `no ${more} more writes were acknowledged within ${withinMs} ms; last failures: ${this.writers.map(({ lastFailure }) => lastFailure).join(' · ')}`,
        )
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** What was done that nobody may do, since it was last asked. */
  takeProblems(): string[] {
    return [
      ...this.acknowledgements.violations.splice(0),
      ...this.writers.flatMap((writer) => writer.problems.splice(0)),
      ...this.#problems.splice(0),
      ...this.pages.flatMap(problemsOf),
    ]
  }

  counts(): Counts {
    return countsOf(this.watchers, this.writers)
  }

  describe(): string {
    return this.pages.map((page) => page.describe()).join('\n')
  }

  async leave(): Promise<void> {
    if (this.#arrived === undefined) return
    this.visitors.leave()
    await Promise.all(this.writers.map((writer) => writer.stop()))
    for (const watcher of this.watchers) watcher.stop()
  }
}

const problemsOf = (page: Watcher): string[] => page.violations.splice(0).map((what) => `${page.name}: ${what}`)
