/**
 * Where attacks are carried out: real processes over real stores, a bystander who uses them, and the one way to judge
 * what an attack did. A node that an attack ended is started again, so that the next one says something about itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildWatch } from '@rhizom/infra/local/child.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Cluster, type ClusterNode, provided, startCluster } from '../cluster/cluster.ts'
import { call, type Session, signIn } from '../wire/api-caller.ts'
import { Bystander } from './bystander.ts'
import { LagMeter } from '../cluster/lag-meter.ts'
import { COLLECTED } from './preload/collected.ts'
import { API_SETTINGS, GATEWAY_SETTINGS } from './settings.ts'
import { type Allowed, GROWTH_ALLOWED_BYTES, kindsOf, mebibytes, problemsOf, type SeenNode } from './verdict.ts'
import { logLines, type Vitals, vitalsOf } from './vitals.ts'

const collector = new URL('./preload/collect-on-signal.ts', import.meta.url).href
const SETTLE_WITHIN_MS = 3_000
const LOOK_EVERY_MS = 100
/** The bystander asks for a while before and after, so that what comes late is seen too. */
const ASKED_BEFORE = 1
const ASKED_AFTER = 2

export interface Arena {
  readonly cluster: Cluster
  readonly api: string
  readonly gateways: readonly [string, string]
  /** The space in which the bystander writes, which anybody may read. */
  readonly space: string
  /** Strangers, each a guest: made when first asked for. */
  stranger(index?: number): Promise<Session>
  /** What must hold beside the common verdict. */
  claim(holds: boolean, otherwise: string): void
}

export interface Attack extends Allowed {
  name: string
  strike(arena: Arena): Promise<void>
}

export interface Judgement {
  problems: string[]
  /** One line of what it cost. */
  figures: string
}

export interface StageOptions {
  env?: { api?: Record<string, string>; gateway?: Record<string, string> }
  /** Modules that each node loads before its own. */
  preload?: readonly URL[]
  /** Ends the nodes when this process is killed. */
  watch?: ChildWatch
}

export class Stage {
  readonly cluster: Cluster
  readonly bystander: Bystander
  readonly lag: LagMeter
  readonly #strangers: Promise<Session>[] = []
  /** Resident bytes of each process when it was first judged. */
  readonly #first = new Map<string, number>()
  #settledLast: ReadonlyMap<string, Vitals> | undefined

  private constructor(cluster: Cluster, bystander: Bystander, lag: LagMeter) {
    this.cluster = cluster
    this.bystander = bystander
    this.lag = lag
  }

  static async start(options: StageOptions = {}): Promise<Stage> {
    const modules = [collector, ...(options.preload ?? []).map(({ href }) => href)]
    const shared = { NODE_OPTIONS: modules.map((href) => `--import ${href}`).join(' ') }
    const cluster = await startCluster({
      adminDatabaseUrl: provided('TEST_DATABASE_URL'),
      redisUrl: provided('TEST_REDIS_URL'),
      gateways: 2,
      ...(options.watch === undefined ? {} : { watch: options.watch }),
      env: {
        api: { ...shared, ...API_SETTINGS, ...options.env?.api },
        gateway: { ...shared, ...GATEWAY_SETTINGS, ...options.env?.gateway },
      },
    })
    const lag = new LagMeter([...cluster.apis, ...cluster.gateways])
    lag.start()
    const bystander = await Bystander.arrive(cluster, lag)
    bystander.start()
    return new Stage(cluster, bystander, lag)
  }

  get nodes(): ClusterNode[] {
    return [...this.cluster.apis, ...this.cluster.gateways]
  }

  async stop(): Promise<void> {
    await this.bystander.stop()
    this.lag.stop()
    await this.cluster.stop()
  }

  /** Carries an attack out and says what it did to everybody else. */
  async judge(attack: Attack): Promise<Judgement> {
    const claims: string[] = []
    // What happened before is no part of this.
    await this.bystander.pause()
    const before = await this.#before()
    for (const one of before.values())
      if (!this.#first.has(identity(one))) this.#first.set(identity(one), one.residentBytes)
    const errorsBefore = await this.#serverErrors()
    this.bystander.goOn()
    const from = performance.now()
    await this.#untilAsked(ASKED_BEFORE)
    const peaks = this.#watchPeaks()
    try {
      await attack.strike(this.#arena(claims))
    } catch (error) {
      claims.push(`the attack could not be carried out: ${error instanceof Error ? error.message : String(error)}`)
    }
    const struckMs = performance.now() - from
    await this.#untilAsked(ASKED_AFTER)
    const peak = peaks.end()
    if (claims.length > 0) await this.untilDecided()
    // Nobody waits for those that are gone, and what the bystander asked them is answered sooner if they are back.
    const ended = await this.revive()
    const complaints = await this.bystander.pause()
    const answers = this.bystander.answersSince(from)
    const after = await this.#settled(before, attack.growthBytes)
    for (const { name } of ended) after.delete(name)
    this.#settledLast = after
    const nodes = this.nodes.map((node): SeenNode => {
      const [was, is] = [before.get(node.name), after.get(node.name)]
      return {
        name: node.name,
        before: { process: identity(was), residentBytes: was?.residentBytes ?? 0 },
        firstResidentBytes: this.#first.get(identity(was)) ?? 0,
        after: is === undefined ? undefined : { process: identity(is), residentBytes: is.residentBytes },
        logLines: logLines(this.#logOf(node), was?.logBytes ?? 0),
      }
    })
    const findings = await this.bystander.findings()
    const serverErrors =
      ended.length > 0 ? new Map<string, number>() : difference(await this.#serverErrors(), errorsBefore)
    const problems = problemsOf({ nodes, answers, complaints, findings, serverErrors, claims }, attack)
    const times = [...kindsOf(answers)].map(([kind, all]) => `${kind} ${middle(all)}/${Math.round(Math.max(...all))}`)
    const costs = this.nodes.map(({ name }) => {
      const [was, is] = [before.get(name), after.get(name)]
      if (was === undefined || is === undefined) return `${name} ended`
      const highest = mebibytes(peak.get(name) ?? 0)
      const cpu = ((is.cpuMs - was.cpuMs) / 1_000).toFixed(1)
      return `${name} ${mebibytes(was.residentBytes)} → ${highest} → ${mebibytes(is.residentBytes)}, cpu ${cpu} s`
    })
    return {
      problems,
      figures: `${(struckMs / 1_000).toFixed(1)} s; ${costs.join('; ')}; ms p50/max: ${times.join(', ')}`,
    }
  }

  #arena(claims: string[]): Arena {
    const [first, second] = this.cluster.gateways
    return {
      cluster: this.cluster,
      api: this.cluster.apis[0]?.url ?? '',
      gateways: [first?.url ?? '', second?.url ?? ''],
      space: this.bystander.space,
      stranger: (index = 0) =>
        (this.#strangers[index] ??= signIn(this.cluster.apis[0]?.url ?? '', `Stranger ${index}`)),
      claim: (holds, otherwise) => {
        if (!holds) claims.push(otherwise)
      },
    }
  }

  #logOf = ({ name }: ClusterNode): string => `${this.cluster.logs}/${name}.log`

  async #untilAsked(times: number): Promise<void> {
    const from = performance.now()
    const enough = (): boolean => {
      const counts = [...kindsOf(this.bystander.answersSince(from)).values()]
      return counts.length >= this.bystander.rounds && counts.every(({ length }) => length >= times)
    }
    const isOver = (): boolean => enough() || this.nodes.some(({ isRunning }) => !isRunning)
    await eventually('the bystander asked for everything', isOver, 120_000)
  }

  #watchPeaks(): { end(): Map<string, number> } {
    const peaks = new Map<string, number>()
    const look = (): void => {
      for (const node of this.nodes) {
        const now = vitalsOf(node, this.#logOf(node))?.residentBytes ?? 0
        peaks.set(node.name, Math.max(now, peaks.get(node.name) ?? 0))
      }
    }
    const timer = setInterval(look, LOOK_EVERY_MS)
    look()
    return {
      end() {
        clearInterval(timer)
        look()
        return peaks
      },
    }
  }

  /** As the last attack left them, if they are the same processes; else once they have settled. */
  async #before(): Promise<Map<string, Vitals>> {
    const now = this.#vitals()
    const last = this.#settledLast
    const areSame = [...now].every(([name, one]) => identity(one) === identity(last?.get(name)))
    if (last === undefined || !areSame) return this.#settled()
    return new Map([...now].map(([name, one]) => [name, { ...one, residentBytes: last.get(name)?.residentBytes ?? 0 }]))
  }

  /**
   * The vitals of those that run, once their garbage is collected: at the latest after a while, whatever they are then.
   */
  async #settled(before?: ReadonlyMap<string, Vitals>, allowed = GROWTH_ALLOWED_BYTES): Promise<Map<string, Vitals>> {
    const deadline = performance.now() + SETTLE_WITHIN_MS
    for (;;) {
      await Promise.all(this.nodes.map((node) => this.#collectGarbage(node)))
      const vitals = this.#vitals()
      const hasGrown = [...vitals].some(
        ([name, { residentBytes }]) => residentBytes - (before?.get(name)?.residentBytes ?? residentBytes) > allowed,
      )
      if (!hasGrown || performance.now() > deadline) return vitals
      await sleep(LOOK_EVERY_MS)
    }
  }

  #vitals(): Map<string, Vitals> {
    const vitals = this.nodes.map((node) => [node.name, vitalsOf(node, this.#logOf(node))] as const)
    return new Map(vitals.flatMap(([name, one]) => (one === undefined ? [] : [[name, one] as const])))
  }

  async #collectGarbage(node: ClusterNode): Promise<void> {
    const from = vitalsOf(node, this.#logOf(node))?.logBytes
    if (from === undefined) return
    node.signal('SIGUSR2')
    const isDone = (): boolean => !node.isRunning || logLines(this.#logOf(node), from).includes(COLLECTED)
    await eventually(`${node.name} collects its garbage`, isDone)
  }

  /**
   * Resolves when each node has answered, or is known to have ended: one that is about to closes its connections first.
   */
  async untilDecided(): Promise<void> {
    const isUp = (node: ClusterNode): Promise<boolean> =>
      call(node.url, 'GET', '/healthz').then(
        () => true,
        () => false,
      )
    await Promise.all(
      this.nodes.map((node) =>
        eventually(`${node.name} answers or ends`, async () => !node.isRunning || (await isUp(node)), 60_000),
      ),
    )
  }

  /** Starts again what has ended, and says what that was. */
  async revive(): Promise<ClusterNode[]> {
    const ended = this.nodes.filter(({ isRunning }) => !isRunning)
    for (const node of ended) await node.start()
    if (ended.length > 0) await this.bystander.untilSettled()
    return ended
  }

  async #serverErrors(): Promise<Map<string, number>> {
    const errors = new Map<string, number>()
    for (const { internalUrl } of this.cluster.apis) {
      const { body } = await call<string>(internalUrl, 'GET', '/metrics')
      for (const [, labels = '', count = ''] of body.matchAll(/^rhizom_api_request_seconds_count\{(.*)\} (\d+)$/gm)) {
        const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
        if (label('status').startsWith('5'))
          errors.set(`${label('method')} ${label('route')} was answered ${label('status')}`, Number(count))
      }
    }
    return errors
  }
}

const identity = (vitals: Vitals | undefined): string => `${vitals?.pid} since ${vitals?.startedAt}`

function difference(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Map<string, number> {
  const more = [...now].map(([what, count]) => [what, count - (before.get(what) ?? 0)] as const)
  return new Map(more.filter(([, count]) => count > 0))
}

const middle = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
