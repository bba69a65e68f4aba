/**
 * Who uses the rig while it fails: steady writers over both api nodes, clients that watch over all gateways, and the
 * judgement of what they were promised and given. `settle` and `verify` say when everybody is level with the log.
 *
 *   busy spaces (one of them private) · a quiet one · one for torrents, watched by a client that can be slow
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS } from '@rhizom/protocol'
import { eventually } from '../cluster/cluster.ts'
import { apply, freshId, type MutationInput, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { type Counts, countsOf } from './counts.ts'
import { type Random, seeded } from './random.ts'
import type { Rig } from './rig.ts'
import { pagesOf, SpaceLog } from './space-log.ts'
import { addFindings, type Findings, noFindings } from './verdict.ts'
import { Watcher } from './watcher.ts'
import { Writer } from './writer.ts'

export interface Pace {
  batch: number
  everyMs: number
}

export type Heads = ReadonlyMap<string, { epoch: string; version: number }>

const LOOK_EVERY_MS = 10
const QUIET_WITHIN_MS = 20_000
/** Well below the interval in which heads are announced. */
const QUICK_MS = 300
const QUICK_IN_A_ROW = 3

export class Crowd {
  readonly rig: Rig
  readonly pace: Pace
  readonly acknowledgements = new Acknowledgements()
  /** Api nodes that writers stay away from. */
  readonly avoided = new Set<string>()
  readonly spaces = {
    busy: [freshId('lobby'), freshId('garden'), freshId('kitchen'), freshId('cellar')],
    quiet: freshId('quiet'),
    torrent: freshId('torrent'),
  }
  readonly watchers: Watcher[] = []
  readonly writers: Writer[] = []
  readonly logs = new Map<string, SpaceLog>()
  readonly #random: Random
  #owner: Session | undefined

  constructor(rig: Rig, pace: Pace, random: Random) {
    this.rig = rig
    this.pace = pace
    this.#random = random
  }

  get owner(): Session {
    if (this.#owner === undefined) throw new Error('the crowd is not there yet')
    return this.#owner
  }

  get allSpaces(): string[] {
    return [...this.spaces.busy, this.spaces.quiet, this.spaces.torrent]
  }

  /** Api nodes that may be called just now. */
  get apis(): string[] {
    return this.rig.apis.filter(({ name }) => !this.avoided.has(name)).map(({ url }) => url)
  }

  async arrive(counts: { writers: number }): Promise<void> {
    const api = this.rig.apis[0]?.url ?? ''
    this.#owner = await signIn(api, 'Owner')
    const { busy, quiet, torrent } = this.spaces
    const cellar = busy[3] ?? ''
    for (const space of this.allSpaces) {
      const visibility = space === cellar ? 'private' : 'public'
      await apply(api, this.owner.token, { space, name: 'space.create', args: { name: space.slice(1), visibility } })
    }
    for (let index = 0; index < counts.writers; index += 1) await this.#addWriter(api, index)
    for (const [index, { name, spaces, direct }] of this.#plan(busy, cellar, quiet, torrent).entries())
      await this.#addWatcher(api, name, index, spaces, direct)
    for (const [space, { epoch }] of await this.rig.heads(this.allSpaces))
      this.logs.set(space, new SpaceLog(space, epoch, LIMITS.snapshotIntentions))
    for (const watcher of this.watchers) watcher.start()
    await this.untilLevel(await this.rig.heads(this.allSpaces), 20_000)
    for (const writer of this.writers) writer.start()
  }

  #plan(
    [lobby = '', garden = '', kitchen = '']: readonly string[],
    cellar: string,
    quiet: string,
    torrent: string,
  ): { name: string; spaces: string[]; direct: boolean }[] {
    const one = (name: string, ...spaces: string[]) => ({ name, spaces, direct: false })
    return [
      ...['lobby-1', 'lobby-2', 'lobby-3'].map((name) => one(name, lobby)),
      ...['garden-1', 'garden-2', 'garden-3'].map((name) => one(name, garden)),
      ...['kitchen-1', 'kitchen-2'].map((name) => one(name, kitchen, quiet)),
      ...['all-1', 'all-2', 'all-3'].map((name) => one(name, lobby, garden, kitchen, quiet)),
      ...['member-1', 'member-2'].map((name) => one(name, cellar, lobby)),
      ...['sleeper-1', 'sleeper-2'].map((name) => one(name, garden, kitchen)),
      one('torrent-1', torrent, quiet),
      // Straight at the gateway: a proxy's buffers would take long to fill before the gateway feels a slow reader.
      { name: 'slow', spaces: [torrent], direct: true },
    ]
  }

  async #addWriter(api: string, index: number): Promise<void> {
    const { token, being } = await signIn(api, `Writer ${index + 1}`)
    await apply(
      api,
      this.owner.token,
      ...this.spaces.busy.map((space) => ({ space, name: 'member.put', args: { being: being.id, role: 'member' } })),
    )
    const { spaces, acknowledgements, pace } = this
    const random = seeded(this.#random.below(2 ** 31))
    this.writers.push(new Writer({ token, spaces: spaces.busy, apis: () => this.apis, acknowledgements, random, pace }))
  }

  async #addWatcher(api: string, name: string, index: number, spaces: string[], direct: boolean): Promise<void> {
    const { token, being } = await signIn(api, name)
    const cellar = this.spaces.busy[3] ?? ''
    if (spaces.includes(cellar))
      await apply(api, this.owner.token, {
        space: cellar,
        name: 'member.put',
        args: { being: being.id, role: 'viewer' },
      })
    const gateways = direct ? this.rig.gateways.map(({ url }) => url) : this.rig.doors
    const onDelivered = (watcher: Watcher, space: string, from: number, to: number): void => {
      if (!watcher.impaired) this.acknowledgements.delivered(space, from, to)
    }
    this.watchers.push(new Watcher({ name, gateways, first: index, token, spaces, onDelivered }))
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
    for (const watcher of this.watchers) watcher.goHome()
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
    const deadline = performance.now() + withinMs
    while (!this.areLevel(heads, who)) {
      if (performance.now() > deadline) return false
      await sleep(LOOK_EVERY_MS)
    }
    return true
  }

  /**
   * Resolves when changes of every space reach everybody at once, several times in a row: over the bus, that is, and not
   * by the announcement of heads, which would bring them too if a subscription had been lost without anybody noticing.
   */
  async untilQuick(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs
    for (let inRow = 0; inRow < QUICK_IN_A_ROW; ) {
      if (performance.now() > deadline) throw new Error(`changes still come late ${withinMs} ms after healing`)
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
    return this.#becomeLevel(new Map(heads), QUICK_MS, this.watchers)
  }

  /** Holds the writers when everything they asked for is known. */
  async holdWriting(): Promise<void> {
    for (const writer of this.writers) writer.pause()
    const deadline = performance.now() + QUIET_WITHIN_MS
    while (!this.writers.every((writer) => writer.isQuiet)) {
      if (performance.now() > deadline)
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
    const deadline = performance.now() + withinMs
    while (this.acknowledgements.total < goal) {
      if (performance.now() > deadline)
        throw new Error(
          `no ${more} more writes were acknowledged within ${withinMs} ms; last failures: ${this.writers.map(({ lastFailure }) => lastFailure).join(' · ')}`,
        )
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** Reads each log to its head. */
  async readLogs(): Promise<Findings> {
    const findings = noFindings()
    const pages = pagesOf(this.apis[0] ?? '', this.owner.token)
    for (const log of this.logs.values()) addFindings(findings, await log.readOn(pages), 'api')
    return findings
  }

  /**
   * With writing held: waits until every client's version is that of the log over HTTP, then compares everything that
   * was promised and given with it. What was found right is let go.
   */
  async verify(withinMs: number): Promise<Findings> {
    const findings = await this.readLogs()
    await this.untilLevel(this.logs, withinMs)
    for (const log of this.logs.values()) {
      addFindings(findings, this.acknowledgements.judge(log), 'acknowledged')
      for (const watcher of this.watchersOf(log.space)) {
        const witness = watcher.witnesses.get(log.space)
        if (witness === undefined) continue
        const { position } = witness
        if (position?.epoch !== log.epoch || position.version !== log.version)
          findings.outOfOrder.push(
            `${watcher.name}: ${log.space} is at ${position?.version}, the log at ${log.version}`,
          )
        addFindings(findings, log.judge(witness), watcher.name)
        witness.forgetVerified()
      }
      this.acknowledgements.forget(log.space)
      log.forget()
    }
    return findings
  }

  /** With writing held: begins to judge from here, where a failed drill left more than can be said. */
  async beginAnew(withinMs: number): Promise<void> {
    const heads = await this.rig.heads(this.allSpaces)
    await this.untilLevel(heads, withinMs)
    for (const [space, { epoch, version }] of heads) {
      this.logs.get(space)?.beginAt(epoch, version)
      this.acknowledgements.forget(space)
      for (const { witnesses } of this.watchersOf(space)) witnesses.get(space)?.forgetVerified()
    }
    this.takeProblems()
  }

  /** What was done that nobody may do, since it was last asked. */
  takeProblems(): string[] {
    const problems = [
      ...this.acknowledgements.violations.splice(0),
      ...this.writers.flatMap((writer) => writer.problems.splice(0)),
      ...this.watchers.flatMap((watcher) => watcher.violations.splice(0).map((what) => `${watcher.name}: ${what}`)),
    ]
    return problems
  }

  counts(): Counts {
    return countsOf(this.watchers, this.writers)
  }

  describe(): string {
    return this.watchers.map((watcher) => watcher.describe()).join('\n')
  }

  async leave(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()))
    for (const watcher of this.watchers) watcher.stop()
  }
}
