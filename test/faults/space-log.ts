/**
 * The log of one space as the api tells it over HTTP: what every client must end up with. Read on as it grows, each
 * part once; checked to have no hole and no mutation twice. What was verified is let go, so that a long run stays
 * small.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangesAnswer, Position, Problem } from '@rhizom/protocol'
import { call } from '../wire/api-caller.ts'
import { type HeldSnapshot, printOf, type SpaceWitness, type Stretch } from './space-witness.ts'
import { addFindings, compareRun, type Findings, noFindings, type Seen } from './verdict.ts'

const PAGE = 1_000
/** How many creations are remembered to check snapshots with: a snapshot holds fewer. */
const REMEMBERED = 20_000

/** After how many intentions, and after how many bytes of them, a snapshot may end. */
export interface SnapshotSize {
  intentions: number
  bytes: number
}

/** The api counts the content as Postgres writes it, which is not to the byte as clients get it. */
const ABOUT = 0.98

/** Gives the changes after a position. */
export type ReadPage = (space: string, after: Position) => Promise<ChangesAnswer>

const UNAVAILABLE_AT_MOST_MS = 10_000

/** Reads pages over HTTP, as any client may: a node that is unavailable is asked again, after as long as it says. */
export const pagesOf =
  (api: string, token: string): ReadPage =>
  async (space, { epoch, version }) => {
    const path = `/v1/spaces/${space}/changes?epoch=${epoch}&after=${version}&limit=${PAGE}`
    const deadline = performance.now() + UNAVAILABLE_AT_MOST_MS
    for (;;) {
      const { status, body } = await call<ChangesAnswer | Problem>(api, 'GET', path, { token, timeoutMs: 6_000 })
      if ('changes' in body) return body
      if (status !== 503 || performance.now() > deadline)
        throw new Error(`the log of ${space} cannot be read: ${JSON.stringify(body)}`)
      await sleep(body.retryAfterMs ?? 100)
    }
  }

interface History {
  /** The version before the first entry of `entries`. */
  from: number
  entries: Seen[]
}

export class SpaceLog {
  readonly space: string
  epoch: string
  version: number
  /** Mutations in the log, with their version, since the last `forget`. */
  readonly mutations = new Map<string, number>()
  readonly #everSeen = new Set<string>()
  readonly #histories = new Map<string, History>()
  #created: { version: number; id: string }[] = []
  readonly #snapshotSize: SnapshotSize

  constructor(space: string, epoch: string, snapshotSize: SnapshotSize) {
    this.space = space
    this.epoch = epoch
    this.version = 0
    this.#snapshotSize = snapshotSize
    this.#histories.set(epoch, { from: 0, entries: [] })
  }

  /** Another history begins at a version, as after a restore. What came later in the former one is undone. */
  rebuild(epoch: string, version: number): void {
    for (const [mutation, at] of this.mutations) if (at > version) this.mutations.delete(mutation)
    this.#created = this.#created.filter((entry) => entry.version <= version)
    this.epoch = epoch
    this.version = version
    this.#histories.set(epoch, { from: version, entries: [] })
  }

  /** Reads to the head, page by page. Returns what is wrong with the log itself. */
  async readOn(read: ReadPage): Promise<Findings> {
    const findings = noFindings()
    for (;;) {
      const page = await read(this.space, { epoch: this.epoch, version: this.version })
      addFindings(findings, this.#append(page), `log of ${this.space}`)
      if (page.changes.length === 0 || this.version >= page.head) return findings
    }
  }

  /** What is wrong with what a client was given, against the log read so far. */
  judge(witness: SpaceWitness): Findings {
    const findings = noFindings()
    let before: { epoch: string; version: number } | undefined
    for (const stretch of witness.stretches) {
      addFindings(findings, this.#judgeStretch(stretch, before), this.space)
      before = { epoch: stretch.epoch, version: stretch.to }
    }
    findings.outOfOrder.push(...witness.violations)
    return findings
  }

  /** Lets go of everything before the present version; every witness must have been judged. */
  forget(): void {
    this.mutations.clear()
    this.#histories.clear()
    this.#histories.set(this.epoch, { from: this.version, entries: [] })
    this.#created = this.#created.slice(-REMEMBERED)
  }

  /** Begins to judge here, whatever came before. */
  beginAt(epoch: string, version: number): void {
    this.epoch = epoch
    this.version = version
    this.#created = []
    this.forget()
  }

  #append(answer: ChangesAnswer): Findings {
    const findings = noFindings()
    const entries = this.#histories.get(this.epoch)?.entries ?? []
    for (const change of answer.changes) {
      if (change.version !== this.version + 1) findings.lost.push(`after ${this.version} comes ${change.version}`)
      if (this.#everSeen.has(change.mutation) && change.kind !== 'member.put')
        findings.duplicated.push(`mutation ${change.mutation} at ${change.version}`)
      this.#everSeen.add(change.mutation)
      this.mutations.set(change.mutation, change.version)
      this.version = change.version
      entries.push({ version: change.version, print: printOf(change) })
      if (change.kind === 'intention.put' && change.body.createdAt === change.body.modifiedAt)
        this.#created.push({ version: change.version, id: change.body.id })
    }
    return findings
  }

  #judgeStretch(stretch: Stretch, before: { epoch: string; version: number } | undefined): Findings {
    const history = this.#histories.get(stretch.epoch)
    if (history === undefined)
      return { ...noFindings(), outOfOrder: [`a stretch of the unknown history ${stretch.epoch}`] }
    const expected = history.entries.filter(({ version }) => version > stretch.from && version <= stretch.to)
    const findings = compareRun(expected, stretch.seen)
    if (before?.epoch === stretch.epoch && stretch.from < before.version)
      findings.outOfOrder.push(`went back from ${before.version} to ${stretch.from}`)
    if (stretch.snapshot !== undefined) addFindings(findings, this.#judgeSnapshot(stretch.snapshot), 'snapshot')
    return findings
  }

  /** A snapshot must hold the newest intentions as of its version: nothing may be skipped by jumping over it. */
  #judgeSnapshot({ version, intentions, bytes, hasMore }: HeldSnapshot): Findings {
    const findings = noFindings()
    const size = this.#snapshotSize
    const isFull = hasMore && bytes >= size.bytes * ABOUT
    const most = isFull ? Math.min(size.intentions, intentions.length) : size.intentions
    const expected = this.#created.filter((entry) => entry.version <= version).slice(-most)
    const given = new Set(intentions)
    for (const { id, version: at } of expected)
      if (!given.has(id)) findings.lost.push(`the intention ${id} of ${at} is missing at ${version}`)
    const known = expected.map(({ id }) => id)
    if (findings.lost.length === 0 && intentions.slice(intentions.length - known.length).join() !== known.join())
      findings.outOfOrder.push(`its intentions are in another order at ${version}`)
    return findings
  }
}
