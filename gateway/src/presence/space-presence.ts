/**
 * Presence in one space on this gateway: runs its roster (core/presence/roster.ts), carries out what that decides, and
 * keeps whoever waits until it is known.
 */
import { Runner } from '@rhizom/machine'
import { type BeingId, encodeFrame, parsePresenceHint, type PresenceMessage, type SpaceId } from '@rhizom/protocol'
import { leastOf } from '../core/presence/lease.ts'
import {
  Roster,
  type RosterAnswer,
  type RosterEffect,
  type RosterEvent,
  rosterMachine,
} from '../core/presence/roster.ts'
import type { HeldRoster, LinkedDeps } from './heartbeat.ts'
import type { OrphanCleaner } from './orphan-cleaner.ts'
import type { PresenceWriter } from './writer.ts'

export interface SpacePresenceDeps extends LinkedDeps {
  writer: PresenceWriter
  cleaner: OrphanCleaner
  /** Something happened to the roster. */
  changed(of: SpacePresence): void
}

/** Longer than a read of Redis takes, and short for somebody who waits for an answer. */
const READY_WITHIN_MS = 1000
const encoder = new TextEncoder()

/** What those who follow the space hold of it. */
export type RosterHandle = Pick<SpacePresence, 'ready' | 'answerPart' | 'retainOnly' | 'hintReceived' | 'unwatch'>

export class SpacePresence implements HeldRoster {
  readonly roster: Roster
  readonly #deps: SpacePresenceDeps
  readonly #runner: Runner<{ roster: Roster }, RosterEvent, RosterEffect>
  #tell: (frame: Uint8Array) => void = () => undefined
  #waiting: (() => void)[] = []

  constructor(space: SpaceId, deps: SpacePresenceDeps) {
    const { heartbeat, settings } = deps
    const roster = new Roster(space, heartbeat.identity, heartbeat.isLinkUp ? 'up' : 'down', settings.roster)
    this.#deps = deps
    this.roster = roster
    this.#runner = new Runner({
      ...deps,
      machine: rosterMachine,
      initial: { roster },
      carryOut: (effect) => this.#carryOut(effect),
      changed: () => {
        if (!this.#isWorthWaitingFor) this.#release()
        deps.changed(this)
      },
    })
  }

  dispatch(event: RosterEvent): void {
    this.#runner.dispatch(event)
  }

  /** Whatever comes late is passed over from now on. */
  stop(): void {
    this.#runner.stop()
    this.#release()
  }

  watch(tell: (frame: Uint8Array) => void): void {
    this.#tell = tell
    this.dispatch({ type: 'watched' })
  }

  unwatch(): void {
    this.#tell = () => undefined
    this.dispatch({ type: 'unwatched' })
  }

  /** Resolves when the roster is known, or after a while. */
  ready(): Promise<void> {
    if (!this.#isWorthWaitingFor) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(READY_WITHIN_MS, resolve)
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  /** What newcomers are told, themselves included. */
  answerPart(newcomers: readonly BeingId[]): RosterAnswer {
    if (newcomers.length > 0) this.#deps.writer.flushBeforeAnswer()
    return this.roster.answer(newcomers)
  }

  /** Nobody else may be here any more, nor those who left a moment ago. */
  retainOnly(mayStay: (being: BeingId) => boolean): void {
    this.dispatch({ type: 'restricted', mayStay })
  }

  hintReceived(message: PresenceMessage): void {
    const hint = parsePresenceHint(message)
    this.#deps.metrics.hints.inc({ direction: hint.ok ? 'heard' : 'unreadable' })
    const { bootId: epoch, from, to } = message
    if (hint.ok) this.dispatch({ type: 'hintReceived', range: { epoch, from, to }, hint: hint.value })
    else this.dispatch({ type: 'readWanted' })
  }

  /** Whether the roster is not known yet, and can be. */
  get #isWorthWaitingFor(): boolean {
    return !this.roster.isExact && this.#deps.heartbeat.state.link.status !== 'down'
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #carryOut(effect: RosterEffect): void {
    const { metrics, lastSeen, writer, cleaner } = this.#deps
    switch (effect.type) {
      case 'readHash':
        return this.#read(effect.readSeq)
      case 'writeHash':
        return writer.add(this)
      case 'cleanUpAfter':
        return cleaner.cleanUpAfter(effect.boot, this.roster.space)
      case 'sendFrame':
        metrics.frames.inc({ kind: effect.frame.frozen ? 'frozen' : 'change' })
        return this.#tell(encoder.encode(encodeFrame(effect.frame)))
      case 'reportLastSeen':
        return lastSeen.note(effect.being, effect.at)
      default:
        effect satisfies never
    }
  }

  #read(readSeq: number): void {
    const { store, metrics, heartbeat } = this.#deps
    const { bootId } = heartbeat.identity
    const before = heartbeat.trust
    const asked = store.read(this.roster.space, [...this.roster.remote.boots(), bootId])
    asked.then(
      () => metrics.reads.inc({ outcome: 'answered' }),
      () => metrics.reads.inc({ outcome: 'failed' }),
    )
    heartbeat.expect(asked, (read) => {
      // Redis may have lost everything after the read began. Where our own lease is missing it lost more than others':
      // a missing one proves nothing, and a heartbeat finds out.
      const isOwnLost = !read.leases.has(bootId)
      const trust = leastOf(before, heartbeat.trust, isOwnLost ? 'entries' : 'leases')
      this.dispatch({ type: 'readAnswered', readSeq, read, trust })
      if (isOwnLost) heartbeat.dispatch({ type: 'heartbeatWanted' })
    })
  }
}
