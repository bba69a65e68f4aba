/**
 * Reads along what a gateway puts on one connection and holds it to what the protocol promises a subscriber: after
 * an answer everything that follows it, without a gap, without a double, and nothing that may not be read. A client
 * would heal a gap by asking again, so without this a gateway that leaves gaps would pass for a good one.
 */
import { SpaceAccount } from '@rhizom/kit/space-account.ts'
import { type BeingId, parseClientMessage, parseServerMessage, type ServerFrame, type SpaceId } from '@rhizom/protocol'
import type { Oracle } from './oracle.ts'
import type { RosterAudit } from './roster-audit.ts'
import type { SignalAudit } from './signal-audit.ts'

export class WireAudit {
  readonly signals: SignalAudit
  readonly roster: RosterAudit
  readonly #oracle: Oracle
  readonly #being: BeingId
  readonly #name: string
  /** Where each subscription's stream stands. */
  readonly #streams = new Map<SpaceId, SpaceAccount>()
  /** Where the client said it stands when it asked, and when it asked last. */
  readonly #asked = new Map<SpaceId, { positions: Set<string>; at: number }>()

  constructor(oracle: Oracle, being: BeingId, roster: RosterAudit, signals: (audit: WireAudit) => SignalAudit) {
    this.#oracle = oracle
    this.#being = being
    this.#name = roster.name
    this.roster = roster
    this.signals = signals(this)
  }

  /** Whether its being may read a space as far as it was sent. */
  mayRead(space: SpaceId): boolean {
    const at = this.#streams.get(space)?.position
    return at !== undefined && this.#oracle.mayRead(this.#being, space, at.epoch, at.version)
  }

  /** What the client says, before it is on its way. */
  heard(text: string, at: number): void {
    for (const line of parseClientMessage(text)) {
      if (!line.ok || line.value.type !== 'subscribe') continue
      const { space, epoch, after } = line.value
      const positions = this.#asked.get(space)?.positions ?? new Set()
      this.#asked.set(space, { positions: positions.add(`${epoch} ${after}`), at })
    }
  }

  /** What the client says, as its gateway reads it: a subscription that was ended is not owed anything any more. */
  read(text: string): void {
    for (const line of parseClientMessage(text))
      if (line.ok && line.value.type === 'unsubscribe') this.#ended(line.value.space)
  }

  /** One message: changes behind an answer in it belong to the answer, which has to be readable where it ends. */
  sent(text: string): void {
    const answered = new Set<SpaceId>()
    for (const line of parseServerMessage(text)) {
      if (!line.ok) this.#oracle.fail('S3', `${this.#name} is sent what is no frame: ${line.problem}: ${text}`)
      else if (line.value.type !== 'ignored') this.#frame(line.value, answered)
    }
    for (const space of answered) {
      const at = this.#streams.get(space)?.position
      if (at !== undefined && !this.mayRead(space))
        this.#oracle.fail('S4', `${this.#name} is answered with ${space} ${at.version}, which it may not read`)
    }
    this.roster.judge()
  }

  #frame(frame: ServerFrame, answered: Set<SpaceId>): void {
    switch (frame.type) {
      case 'snapshot':
        this.#oracle.snapshots += 1
        answered.add(frame.space)
        this.#streams.set(frame.space, new SpaceAccount(frame))
        this.#rosterAnswered(frame)
        return
      case 'resumed': {
        const { space, epoch, from } = frame
        if (this.#asked.get(space)?.positions.has(`${epoch} ${from}`) !== true)
          this.#oracle.fail('S3', `${this.#name} is resumed in ${space} from ${from}, where it never was`)
        answered.add(space)
        this.#streams.set(space, new SpaceAccount({ epoch, version: from }))
        this.#apply(frame)
        this.#rosterAnswered(frame)
        return
      }
      case 'changes': {
        const { space, epoch, from, to } = frame
        const told = `${this.#name} is sent ${space} ${epoch.slice(0, 4)}:${from}→${to}`
        const held = this.#streams.get(space)?.position
        const placement = this.#apply(frame)
        if (placement !== 'follows')
          this.#oracle.fail('S3', `${told} (${placement}) after ${held?.epoch.slice(0, 4)}:${held?.version}`)
        if (answered.has(space)) return
        for (let version = from; version < to; version++)
          if (!this.#oracle.mayRead(this.#being, space, epoch, version))
            this.#oracle.fail('S4', `${told}, and may not read ${version + 1}`)
        return
      }
      case 'unsubscribed': {
        const { space, code } = frame
        const at = this.#streams.get(space)?.position
        this.#ended(space)
        if (at !== undefined && !this.#oracle.losesAccess(this.#being, space, at))
          this.#oracle.fail('S4', `${this.#name} is told that ${space} was ${code}, which is not so`)
        return
      }
      case 'error':
        // Any other error leaves a subscription that stands as it is.
        if (frame.code === 'not-found' && frame.space !== undefined) this.#refused(frame.space)
        return
      case 'heartbeat':
        for (const [space, head] of Object.entries(frame.heads)) {
          const at = this.#streams.get(space)?.position
          if (at !== undefined && head > at.version)
            this.#oracle.fail('S3', `${this.#name} is told of ${space} ${head} and was sent only ${at.version}`)
        }
        return
      case 'presence':
        this.roster.frame(frame)
        return
      case 'signal':
        this.signals.heard(frame)
        return
      case 'welcome':
      case 'goodbye':
      case 'pong':
      case 'work':
      case 'news':
        return
      default:
        frame satisfies never
    }
  }

  #rosterAnswered(frame: Extract<ServerFrame, { type: 'snapshot' | 'resumed' }>): void {
    this.roster.answered(frame)
    this.signals.answered(frame.space)
  }

  #apply(frame: Extract<ServerFrame, { type: 'resumed' | 'changes' }>): string {
    const { space, changes } = frame
    const { placement, wrong } = (this.#streams.get(space) ?? new SpaceAccount()).apply(frame, changes)
    for (const what of wrong) this.#oracle.fail('S3', `${this.#name} is sent of ${space} what is not whole: ${what}`)
    return placement
  }

  #ended(space: SpaceId): void {
    this.#streams.delete(space)
    this.roster.forget(space)
  }

  /** Whoever may read all the while since it asked is not refused. */
  #refused(space: SpaceId): void {
    this.#ended(space)
    const asked = this.#asked.get(space)
    if (asked !== undefined && this.#oracle.mayReadSince(this.#being, space, asked.at))
      this.#oracle.fail('S4', `${this.#name} is refused ${space}, which it may read`)
  }
}
