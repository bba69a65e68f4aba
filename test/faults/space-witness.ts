/**
 * Everything that one client was given of one space, as the kit's account of a space reads it: each applied change is
 * kept, so that verdict.ts can compare the whole with the log. When to resume is the watcher's matter (watcher.ts).
 *
 *   stretch: snapshot at 40 · 41 · 42 · 43      a new snapshot begins a new stretch
 */
import { createHash } from 'node:crypto'
import { SpaceAccount } from '@rhizom/kit/space-account.ts'
import type { Change, ChangesFrame, Position, ResumedFrame, SnapshotFrame } from '@rhizom/protocol'
import type { Seen } from './verdict.ts'

export interface HeldSnapshot {
  version: number
  /** Ids, oldest first. */
  intentions: string[]
  /** Of the content of these. */
  bytes: number
  hasMore: boolean
}

export interface Stretch {
  epoch: string
  /** The version of the snapshot it begins with, or the last one that was verified. */
  from: number
  /** The version held now, as the frames count it. */
  to: number
  /** What the snapshot held, until it is verified. */
  snapshot: HeldSnapshot | undefined
  seen: Seen[]
}

const LONG = 120

/** Tells a change from any other: its mutation, its kind, and what it says. */
export function printOf(change: Change): string {
  const says =
    change.kind === 'intention.append'
      ? change.body.text
      : 'content' in change.body
        ? JSON.stringify(change.body.content)
        : ''
  const id = 'id' in change.body ? change.body.id : change.body.being
  const text = says.length > LONG ? createHash('sha256').update(says).digest('base64url') : says
  return `${change.mutation} ${change.kind} ${id} ${text}`
}

export class SpaceWitness {
  readonly space: string
  readonly stretches: Stretch[] = []
  /** What no gateway may send, whatever fails. */
  readonly violations: string[] = []
  snapshots = 0
  resumes = 0
  /** Runs that began past the version held: allowed to happen, answered by a resume. */
  gaps = 0
  #account = new SpaceAccount()

  constructor(space: string) {
    this.space = space
  }

  get position(): Position | undefined {
    return this.#account.position
  }

  /** Begins with a position that it came by elsewhere, as a client that resumes. */
  beginAt(position: Position): void {
    this.#account = new SpaceAccount(position)
    const { epoch, version } = position
    this.stretches.push({ epoch, from: version, to: version, snapshot: undefined, seen: [] })
  }

  replace(frame: SnapshotFrame): void {
    this.snapshots += 1
    this.violations.push(...this.#account.begin(frame))
    const { epoch, version, hasMore } = frame
    const intentions = frame.intentions.map(({ id }) => id)
    const bytes = frame.intentions.reduce((sum, { content }) => sum + Buffer.byteLength(JSON.stringify(content)), 0)
    const snapshot = { version, intentions, bytes, hasMore }
    this.stretches.push({ epoch, from: version, to: version, snapshot, seen: [] })
  }

  /** Applies a run. False means that something is missing and the client has to resume. */
  apply(frame: ChangesFrame | ResumedFrame): boolean {
    const { type, from, to, epoch, changes } = frame
    const held = this.position
    if (type === 'resumed') this.resumes += 1
    const { placement, fresh, wrong } = this.#account.apply(frame, changes)
    this.violations.push(...wrong.map((what) => `${type} ${what}`))
    switch (placement) {
      case 'old':
        return true
      case 'unknown':
        this.violations.push(`${type} ${from}–${to} before any snapshot`)
        return false
      case 'gap':
      case 'other-epoch':
        this.gaps += 1
        if (type === 'resumed')
          this.violations.push(`resumed from ${from} of ${epoch}, but held ${held?.version} of ${held?.epoch}`)
        return false
      case 'follows':
      case 'overlaps': {
        const last = this.stretches.at(-1)
        last?.seen.push(...fresh.map((change) => ({ version: change.version, print: printOf(change) })))
        if (last !== undefined) last.to = to
        return true
      }
      default:
        placement satisfies never
        return false
    }
  }

  /** Lets go of what was judged. */
  forgetVerified(): void {
    this.violations.length = 0
    const held = this.position
    if (held === undefined) return
    this.stretches.length = 0
    this.beginAt(held)
  }
}
