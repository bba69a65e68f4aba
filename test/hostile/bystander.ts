/**
 * Somebody who has nothing to do with an attack and uses rhizom all the while, over connections of its own: reads a
 * space, writes to it, waits until both gateways have shown it what it wrote, pings, and comes in anew over new
 * connections. How long each took is the verdict's matter (verdict.ts).
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS, type MutationResult, type Snapshot } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Cluster, type ClusterNode } from '../cluster/cluster.ts'
import { Acknowledgements } from '../faults/acknowledgements.ts'
import { Attendance } from '../faults/presence/attendance.ts'
import { pagesOf, SpaceLog } from '../faults/space-log.ts'
import { addFindings, type Findings, noFindings } from '../faults/verdict.ts'
import { Watcher } from '../faults/watcher.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import type { LagMeter } from '../cluster/lag-meter.ts'
import type { Answer } from './verdict.ts'

const PAUSE_MS = 150
const GIVEN_UP_AFTER_MS = 60_000
const LEVEL_WITHIN_MS = 30_000
const SNAPSHOT_SIZE = { intentions: LIMITS.snapshotIntentions, bytes: 1024 * 1024 } as const

interface Timed extends Answer {
  at: number
}

export class Bystander {
  readonly space: string
  readonly session: Session
  readonly #cluster: Cluster
  readonly #lag: LagMeter
  readonly #log: SpaceLog
  readonly #acknowledgements = new Acknowledgements()
  readonly #watchers: Watcher[]
  readonly #pinging = new Map<string, RawClient>()
  readonly #answers: Timed[] = []
  readonly #complaints: string[] = []
  #mode: 'asking' | 'paused' | 'stopped' = 'paused'
  #running: Promise<unknown>[] = []
  #underWay = 0

  private constructor(cluster: Cluster, lag: LagMeter, session: Session, snapshot: Snapshot) {
    this.#cluster = cluster
    this.#lag = lag
    this.session = session
    this.space = snapshot.space.id
    this.#log = new SpaceLog(this.space, snapshot.epoch, SNAPSHOT_SIZE)
    const gateways = cluster.gateways.map(({ url }) => url)
    const attendance = new Attendance()
    this.#watchers = gateways.map(
      (_, first) =>
        new Watcher({
          name: `watcher-${first + 1}`,
          being: session.being.id,
          token: session.token,
          spaces: [this.space],
          gateways,
          first,
          present: true,
          voice: false,
          attendance,
          onDelivered: (_watcher, space, from, to) => this.#acknowledgements.delivered(space, from, to),
        }),
    )
  }

  static async arrive(cluster: Cluster, lag: LagMeter): Promise<Bystander> {
    const api = cluster.apis[0]?.url ?? ''
    const session = await signIn(api, 'Bystander')
    const space = freshId('bystander')
    await apply(api, session.token, { space, name: 'space.create', args: { name: 'Quiet place' } })
    const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token: session.token })
    const bystander = new Bystander(cluster, lag, session, body)
    for (const watcher of bystander.#watchers) watcher.start()
    await bystander.untilSettled()
    return bystander
  }

  /** Asks from now on, over and over. */
  start(): void {
    this.#mode = 'asking'
    this.#running = [
      this.#over(() => this.#read()),
      this.#over(() => this.#write()),
      ...this.#cluster.gateways.flatMap((gateway) => [
        this.#over(() => this.#ping(gateway)),
        this.#over(() => this.#comeIn(gateway)),
      ]),
    ]
  }

  async stop(): Promise<void> {
    this.#mode = 'stopped'
    await Promise.all(this.#running)
    for (const socket of this.#pinging.values()) socket.terminate()
    for (const watcher of this.#watchers) watcher.stop()
  }

  /** How many things it asks for over and over. */
  get rounds(): number {
    return 3 + 4 * this.#cluster.gateways.length
  }

  /** Resolves when its watchers are connected, and level with what was acknowledged. */
  async untilSettled(): Promise<void> {
    await eventually('the watchers are connected', () => this.#watchers.every(({ isSettled }) => isSettled))
  }

  /** What it was answered since a time, each with what the machine was late taken off. */
  answersSince(from: number): Answer[] {
    return this.#answers.filter(({ at }) => at >= from)
  }

  get describe(): string {
    return this.#watchers.map((watcher) => watcher.describe()).join('\n')
  }

  /** Waits until nothing is under way, and gives what went wrong since this was last asked. */
  async pause(): Promise<string[]> {
    this.#mode = 'paused'
    await eventually('the bystander has all its answers', () => this.#underWay === 0, GIVEN_UP_AFTER_MS * 2)
    const cuts = this.#watchers.flatMap(({ name, reconnecting, violations }) => [
      ...[...reconnecting.closes].map(([code, times]) => `${name} was cut off with ${code}, ${times} times`),
      ...violations.splice(0).map((what) => `${name}: ${what}`),
    ])
    for (const { reconnecting } of this.#watchers) reconnecting.closes.clear()
    return [...this.#complaints.splice(0), ...this.#acknowledgements.violations.splice(0), ...cuts]
  }

  goOn(): void {
    if (this.#mode === 'paused') this.#mode = 'asking'
    this.#answers.length = 0
    // What was closed while nobody asked is no loss.
    for (const [name, socket] of this.#pinging) if (!socket.isOpen) this.#pinging.delete(name)
  }

  /** What it was promised and given, against the log. Nothing may be under way. */
  async findings(): Promise<Findings> {
    const findings = noFindings()
    const log = this.#log
    try {
      addFindings(findings, await log.readOn(pagesOf(this.#api, this.session.token)), 'api')
    } catch (error) {
      findings.lost.push(`the log cannot be read: ${String(error)}`)
      return findings
    }
    const head = new Map([[log.space, { epoch: log.epoch, version: log.version }]])
    const isLevel = (): boolean => this.#watchers.every((watcher) => watcher.isAt(head))
    await eventually('the watchers hold what the log holds', isLevel, LEVEL_WITHIN_MS).catch(() =>
      findings.lost.push(`not level with ${log.version}: ${this.describe}`),
    )
    addFindings(findings, this.#acknowledgements.judge(log), 'acknowledged')
    for (const { name, witnesses } of this.#watchers) {
      const witness = witnesses.get(log.space)
      if (witness === undefined) continue
      addFindings(findings, log.judge(witness), name)
      witness.forgetVerified()
    }
    this.#acknowledgements.forget(log.space)
    log.forget()
    return findings
  }

  /** For those who plant a loss: what the first watcher was given. */
  loseOne(): void {
    this.#watchers[0]?.witnesses.get(this.space)?.stretches.at(-1)?.seen.splice(-1, 1)
  }

  get #api(): string {
    return this.#cluster.apis[0]?.url ?? ''
  }

  async #over(ask: () => Promise<void>): Promise<void> {
    while (this.#mode !== 'stopped') {
      if (this.#mode === 'asking') {
        this.#underWay += 1
        // What went wrong is told below, as part of what was asked.
        await ask().catch(() => undefined)
        this.#underWay -= 1
      }
      await sleep(PAUSE_MS)
    }
  }

  /** One wait for one answer, in which these nodes have their turn. */
  async #timed<T>(kind: string, nodes: readonly ClusterNode[], ask: () => Promise<T>): Promise<T> {
    const from = performance.now()
    try {
      return await ask()
    } catch (error) {
      // Who was waited for in vain is told by the time that took.
      if (performance.now() - from < GIVEN_UP_AFTER_MS)
        this.#complaints.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`)
      throw error
    } finally {
      const to = performance.now()
      this.#answers.push({ kind, at: from, tookMs: to - from - this.#lag.lost(from, to, nodes) })
    }
  }

  async #read(): Promise<void> {
    const { token } = this.session
    const options = { token, timeoutMs: GIVEN_UP_AFTER_MS }
    await this.#timed('a read', this.#cluster.apis, async () => {
      const { status, body } = await call(this.#api, 'GET', `/v1/spaces/${this.space}/changes${this.#lately}`, options)
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
    })
  }

  get #lately(): string {
    const { epoch, version } = this.#watchers[0]?.witnesses.get(this.space)?.position ?? this.#log
    return `?epoch=${epoch}&after=${Math.max(0, version - 1)}`
  }

  async #write(): Promise<void> {
    const id = uuidv7()
    const mutation = { id, ...utterance(this.space, `said as ${id}`) }
    const { token } = this.session
    const options = { token, body: { mutations: [mutation] }, timeoutMs: GIVEN_UP_AFTER_MS }
    const { apis, gateways } = this.#cluster
    const version = await this.#timed('a write', apis, async () => {
      const { status, body } = await call<{ results?: MutationResult[] }>(this.#api, 'POST', '/v1/mutations', options)
      const result = body.results?.[0]
      if (status !== 200 || result?.status !== 'applied' || result.version === undefined)
        throw new Error(`${status} ${JSON.stringify(body)}`)
      return result.version
    })
    this.#acknowledgements.add(this.space, version, id)
    const head = new Map([[this.space, { epoch: this.#log.epoch, version }]])
    const isThere = (): boolean => this.#watchers.every((watcher) => watcher.isAt(head))
    const what = `version ${version} reaches both watchers`
    await this.#timed('its write to be shown', [...apis, ...gateways], () =>
      eventually(what, isThere, GIVEN_UP_AFTER_MS),
    )
  }

  async #ping(gateway: ClusterNode): Promise<void> {
    const { name, url } = gateway
    const held = this.#pinging.get(name)
    const socket = held?.isOpen === true ? held : await this.#enter(gateway)
    if (held !== undefined && held !== socket)
      this.#complaints.push(`its connection to ${url} was closed with ${held.closed?.code}`)
    this.#pinging.set(name, socket)
    socket.frames.length = 0
    await this.#timed(`a pong of ${name}`, [gateway], async () => {
      socket.send({ type: 'ping' })
      await untilOrClosed(socket, 'a pong', () => socket.frames.some(({ type }) => type === 'pong'))
    })
    socket.frames.length = 0
    socket.lines.length = 0
  }

  async #comeIn(gateway: ClusterNode): Promise<void> {
    const socket = await this.#enter(gateway)
    try {
      await this.#timed(`a snapshot of ${gateway.name}`, [gateway, ...this.#cluster.apis], async () => {
        socket.send({ type: 'subscribe', space: this.space, present: false })
        await untilOrClosed(socket, 'a snapshot', () => socket.frames.some(({ type }) => type === 'snapshot'))
      })
    } finally {
      socket.terminate()
    }
  }

  async #enter(gateway: ClusterNode): Promise<RawClient> {
    const socket = new RawClient(gateway.url)
    await this.#timed(`a connection to ${gateway.name}`, [gateway], () =>
      untilOrClosed(socket, 'an open connection', () => socket.isOpen),
    )
    await this.#timed(`a welcome of ${gateway.name}`, [gateway], async () => {
      socket.send({ type: 'hello', protocol: 1, token: this.session.token })
      await untilOrClosed(socket, 'a welcome', () => socket.frames.some(({ type }) => type === 'welcome'))
    })
    return socket
  }
}

async function untilOrClosed(socket: RawClient, what: string, condition: () => boolean): Promise<void> {
  await socket.until(what, () => condition() || socket.closed !== undefined, GIVEN_UP_AFTER_MS)
  if (!condition()) throw new Error(`${what} was waited for, and the connection closed with ${socket.closed?.code}`)
}
