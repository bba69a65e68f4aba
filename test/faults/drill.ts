/**
 * Runs one fault against the rig and its clients: strike, hold, heal, wait until everybody is level, then stop writing
 * and compare all that was promised and given with the log. Every wait has an end; what fails says who was where.
 *
 *   strike ──── hold ────► heal ─┬► level? ─► writes and bus work again? ─► writing held ─┬► verdict
 *   people come and go ········► └► nobody comes or goes: is who is here exact? ──────────┘
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { briefly } from './briefly.ts'
import { type Counts, difference } from './counts.ts'
import type { Clients } from './clients.ts'
import { type Fault, LEVEL_WITHIN_MS, type Stage } from './fault.ts'
import type { Exactness } from './presence/presence-judge.ts'
import { EXACT_WITHIN_MS } from './presence/settings.ts'
import type { Random } from '../kit/chance.ts'
import type { Heads, Rig } from './rig.ts'
import { type Findings, isClean } from './verdict.ts'

export interface Outcome {
  fault: string
  passed: boolean
  /** Writes acknowledged from the strike to the verdict. */
  acknowledged: number
  lost: number
  duplicated: number
  outOfOrder: number
  /** Listed as here and not here, when the time for it was over: in all places together, each once. */
  ghosts: number
  /** Here and not listed. */
  missing: number
  /** Called away while they were here. */
  blinks: number
  /** From the end of healing until every client, every api node and Redis said exactly who is here. */
  exactMs: number | undefined
  /** From the end of healing until every client held all that was committed by then. */
  levelMs: number | undefined
  /** From when the fault stood until every client held something written after that, before anything was healed. */
  underFaultMs: number | undefined
  /** From healing until every node called itself ready and was judged; the next fault comes after it. */
  readyMs: number | undefined
  /** The longest that an acknowledged change took to a client. */
  worstDelayMs: number
  tookMs: number
  /** What clients and writers went through. */
  counts: Counts
  /** Lines that all nodes logged. */
  logLines: number
  notes: string[]
  problems: string[]
}

const LOOK_EVERY_MS = 20
const WRITES_AGAIN_WITHIN_MS = 15_000
/** Enough that both api nodes and every writer had a turn. */
export const WRITES_AFTERWARDS = 24
const READY_WITHIN_MS = 20_000
const QUICK_WITHIN_MS = 20_000
/** All nodes together, for one fault. */
const MOST_LOG_LINES = 400

export class Drill {
  readonly #rig: Rig
  readonly #clients: Clients
  readonly #random: Random

  constructor(rig: Rig, clients: Clients, random: Random) {
    this.#rig = rig
    this.#clients = clients
    this.#random = random
  }

  async run(fault: Fault): Promise<Outcome> {
    const clients = this.#clients
    const notes: string[] = []
    const problems: string[] = []
    const stage: Stage = {
      rig: this.#rig,
      clients,
      random: this.#random,
      note: (text) => notes.push(text),
      problem: (text) => problems.push(text),
    }
    const begunAt = performance.now()
    const acknowledgedBefore = clients.acknowledgements.total
    const countsBefore = clients.counts()
    const linesBefore = this.#rig.logLines()
    clients.acknowledgements.beginMeasuring()
    const outcome: Outcome = {
      fault: fault.name,
      passed: false,
      acknowledged: 0,
      lost: 0,
      duplicated: 0,
      outOfOrder: 0,
      ghosts: 0,
      missing: 0,
      blinks: 0,
      exactMs: undefined,
      levelMs: undefined,
      underFaultMs: undefined,
      readyMs: undefined,
      worstDelayMs: 0,
      tookMs: 0,
      counts: countsBefore,
      logLines: 0,
      notes,
      problems,
    }
    try {
      await clients.spread()
      const heal = await fault.strike(stage)
      const observed = this.#observe()
      const struckAt = performance.now()
      await sleep(fault.holdMs)
      if (fault.servedWithinMs !== undefined)
        while (!observed.isServed() && this.#rig.took(struckAt) < fault.holdMs) await sleep(LOOK_EVERY_MS)
      outcome.underFaultMs = observed.end()
      const owedMs = performance.now() - struckAt - this.#rig.took(struckAt)
      problems.push(...this.#unserved(outcome, fault, owedMs))
      await heal()
      const healedAt = performance.now()
      clients.visitors.hold()
      const exact = clients.presence.untilExact(healedAt, fault.exactWithinMs ?? EXACT_WITHIN_MS)
      outcome.levelMs = await this.#level(fault.levelWithinMs ?? LEVEL_WITHIN_MS)
      await clients.untilWritten(WRITES_AFTERWARDS, WRITES_AGAIN_WITHIN_MS)
      await clients.untilQuick(QUICK_WITHIN_MS)
      await clients.holdWriting()
      const findings = await clients.messages.verify(fault.levelWithinMs ?? LEVEL_WITHIN_MS)
      record(outcome, findings)
      recordPresence(outcome, await exact)
      for (const watcher of clients.watchers) watcher.impaired = false
      await this.#rig.untilReady(READY_WITHIN_MS)
      outcome.readyMs = performance.now() - healedAt
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
    const told = clients.presence.judge()
    outcome.blinks = told.blinks.length
    problems.push(...told.problems, ...clients.takeProblems())
    outcome.acknowledged = clients.acknowledgements.total - acknowledgedBefore
    outcome.worstDelayMs = clients.acknowledgements.worstDelayMs
    outcome.tookMs = performance.now() - begunAt
    outcome.counts = difference(clients.counts(), countsBefore)
    outcome.logLines = this.#rig.logLines() - linesBefore
    if (outcome.logLines > MOST_LOG_LINES) problems.push(`${outcome.logLines} lines were logged: a storm`)
    outcome.passed = problems.length === 0
    clients.goOnWriting()
    clients.visitors.dismiss()
    clients.visitors.goOn()
    return outcome
  }

  /** After a failed drill, so that the next one says something about its own fault. Throws where nothing helps. */
  async mend(): Promise<void> {
    const clients = this.#clients
    await this.#rig.mend()
    clients.avoided.clear()
    clients.visitors.hold()
    for (const watcher of clients.watchers) watcher.recover()
    await clients.holdWriting()
    await clients.messages.beginAnew(LEVEL_WITHIN_MS)
    const { problems } = await clients.presence.untilExact(performance.now(), EXACT_WITHIN_MS)
    if (problems.length > 0) throw new Error(`who is here stays wrong: ${briefly(problems).join('\n')}`)
    clients.presence.forget()
    clients.takeProblems()
    clients.goOnWriting()
    clients.visitors.goOn()
  }

  /** From now until its end sees when something written from now on has reached everybody who can be reached. */
  #observe(): { isServed(): boolean; end(): number | undefined } {
    const begunAt = performance.now()
    let over = false
    let servedAfter: number | undefined
    const look = async (): Promise<void> => {
      let before: Heads | undefined
      let fresh: Heads | undefined
      while (!over && servedAfter === undefined) {
        before ??= await this.#headsNow()
        if (before !== undefined) fresh ??= newerThan(before, await this.#headsNow())
        const watching = this.#clients.watchers.filter(({ impaired }) => !impaired)
        if (!over && fresh !== undefined && this.#clients.areLevel(fresh, watching))
          servedAfter = performance.now() - begunAt
        await sleep(LOOK_EVERY_MS)
      }
    }
    void look()
    return {
      isServed: () => servedAfter !== undefined,
      end() {
        over = true
        return servedAfter
      },
    }
  }

  /**
   * What is wrong with how changes reached everybody while the fault stood, and nothing was healed; without what the
   * machine owed meanwhile.
   */
  #unserved({ underFaultMs }: Outcome, { servedWithinMs }: Fault, owedMs: number): string[] {
    if (servedWithinMs === undefined) return []
    if (underFaultMs === undefined) return ['nobody was level again while it lasted']
    const { worstDelayMs } = this.#clients.acknowledgements
    return [
      { what: 'everybody was level again', tookMs: underFaultMs },
      { what: 'a change reached a client', tookMs: worstDelayMs },
    ].flatMap(({ what, tookMs }) =>
      tookMs - owedMs > servedWithinMs ? `${what} only after ${Math.round(tookMs)} ms while it lasted` : [],
    )
  }

  /** Nothing where Postgres does not answer. */
  #headsNow(): Promise<Heads | undefined> {
    return this.#rig.heads(this.#clients.allSpaces).catch(() => undefined)
  }

  async #level(withinMs: number): Promise<number> {
    const healedAt = performance.now()
    const heads = await this.#heads()
    await this.#clients.untilLevel(heads, withinMs)
    return performance.now() - healedAt
  }

  async #heads(): Promise<Heads> {
    const deadline = performance.now() + LEVEL_WITHIN_MS
    for (;;) {
      try {
        return await this.#rig.heads(this.#clients.allSpaces)
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(LOOK_EVERY_MS)
      }
    }
  }
}

const newerThan = (before: Heads, heads: Heads | undefined): Heads | undefined =>
  heads !== undefined && [...heads].some(([space, { version }]) => version > (before.get(space)?.version ?? 0))
    ? heads
    : undefined

function record(outcome: Outcome, findings: Findings): void {
  outcome.lost = findings.lost.length
  outcome.duplicated = findings.duplicated.length
  outcome.outOfOrder = findings.outOfOrder.length
  if (isClean(findings)) return
  for (const kind of ['lost', 'duplicated', 'outOfOrder'] as const)
    outcome.problems.push(...findings[kind].map((what) => `${kind}: ${what}`))
}

function recordPresence(outcome: Outcome, { ghosts, missing, exactMs, problems }: Exactness): void {
  outcome.ghosts = ghosts.length
  outcome.missing = missing.length
  outcome.exactMs = exactMs
  outcome.problems.push(...problems)
}
