/**
 * What one client holds of one space, and everything it was given on the way. It applies the rule of the contract by
 * itself (`from` equals the version held, or starts before it) and keeps each applied change, so that verdict.ts can
 * compare the whole with the log. When to resume is the watcher's matter (watcher.ts).
 *
 *   stretch: snapshot at 40 · 41 · 42 · 43      a new snapshot begins a new stretch
 */
import { createHash } from 'node:crypto'
import { type Change, type ChangesFrame, place, type ResumedFrame, type SnapshotFrame } from '@rhizom/protocol'
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

  constructor(space: string) {
    this.space = space
  }

  get position(): { epoch: string; version: number } | undefined {
    const last = this.stretches.at(-1)
    return last === undefined ? undefined : { epoch: last.epoch, version: last.to }
  }

  /** Begins with a position that it came by elsewhere, as a client that resumes. */
  beginAt({ epoch, version }: { epoch: string; version: number }): void {
    this.stretches.push({ epoch, from: version, to: version, snapshot: undefined, seen: [] })
  }

  replace(frame: SnapshotFrame): void {
    const held = this.position
    this.snapshots += 1
    if (held?.epoch === frame.epoch && frame.version < held.version)
      this.violations.push(`a snapshot went back from ${held.version} to ${frame.version}`)
    const { version, hasMore } = frame
    const intentions = frame.intentions.map(({ id }) => id)
    const bytes = frame.intentions.reduce((sum, { content }) => sum + Buffer.byteLength(JSON.stringify(content)), 0)
    this.stretches.push({
      epoch: frame.epoch,
      from: frame.version,
      to: frame.version,
      snapshot: { version, intentions, bytes, hasMore },
      seen: [],
    })
  }

  /** Applies a run. False means that something is missing and the client has to resume. */
  apply(frame: ChangesFrame | ResumedFrame): boolean {
    const last = this.stretches.at(-1)
    const held = this.position
    if (frame.type === 'resumed') this.resumes += 1
    if (frame.changes.length !== frame.to - frame.from)
      this.violations.push(`${frame.type} ${frame.from}–${frame.to} holds ${frame.changes.length} changes`)
    if (last === undefined || held === undefined) {
      this.violations.push(`${frame.type} ${frame.from}–${frame.to} before any snapshot`)
      return false
    }
    const placement = place(held, frame)
    switch (placement) {
      case 'old':
        return true
      case 'gap':
      case 'other-epoch':
        this.gaps += 1
        if (frame.type === 'resumed')
          this.violations.push(
            `resumed from ${frame.from} of ${frame.epoch}, but held ${held.version} of ${held.epoch}`,
          )
        return false
      case 'follows':
      case 'overlaps':
        // What is held is skipped by place in the frame, not by the number a change carries: a wrong number shows.
        for (const change of frame.changes.slice(held.version - frame.from))
          last.seen.push({ version: change.version, print: printOf(change) })
        last.to = frame.to
        return true
      default:
        placement satisfies never
        return false
    }
  }

  /** Lets go of what was judged. */
  forgetVerified(): void {
    this.violations.length = 0
    const last = this.stretches.at(-1)
    const held = this.position
    if (last === undefined || held === undefined) return
    this.stretches.length = 0
    this.beginAt(held)
  }
}
