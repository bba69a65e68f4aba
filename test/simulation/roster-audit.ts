/**
 * Who is here as one connection was told, space by space. What does not follow from what was said before it is found by
 * the kit's account; here it is held to the facts (presence-oracle.ts).
 */
import { type PresenceFrame, RosterAccount, type RosterReading } from '@rhizom/kit/roster-account.ts'
import type { BeingId, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { ProcessFacts } from './presence-ledger.ts'

type Answer = Pick<Extract<ServerFrame, { type: 'snapshot' }>, 'space' | 'here' | 'hereCount'>

/** Who knows the facts. */
export interface RosterJudge {
  readonly audits: Set<RosterAudit>
  readonly tuning: { listLimit: number }
  fail(rule: string, text: string): void
  /** Somebody is named to a newcomer before the next frame names it to the others. */
  named(process: ProcessFacts, space: SpaceId, beings: readonly BeingId[]): void
  /** Whether it was since the frame before the one that is being sent: then it may leave who was not listed. */
  wasNamed(process: ProcessFacts, space: SpaceId, being: BeingId): boolean
  /** A frame that brings everybody level is being sent. */
  flushed(process: ProcessFacts, space: SpaceId): void
  /** A frame was put on the wire of a connection. */
  told(audit: RosterAudit, frame: PresenceFrame): void
  /** An answer was, that says nothing of being frozen. */
  answered(audit: RosterAudit, space: SpaceId, told: RosterAccount): void
}

export class RosterAudit {
  readonly process: ProcessFacts
  readonly name: string
  readonly isOpen: () => boolean
  readonly #judge: RosterJudge
  readonly #spaces = new Map<SpaceId, RosterAccount>()
  /** Answers that have not been judged: a word that it is frozen may follow one in the same message. */
  readonly #fresh = new Set<SpaceId>()

  constructor(judge: RosterJudge, process: ProcessFacts, name: string, isOpen: () => boolean) {
    this.#judge = judge
    this.process = process
    this.name = name
    this.isOpen = isOpen
    judge.audits.add(this)
  }

  told(space: SpaceId): RosterAccount | undefined {
    return this.#spaces.get(space)
  }

  answered({ space, here, hereCount }: Answer): void {
    const told = new RosterAccount(this.#judge.tuning.listLimit)
    this.#spaces.set(space, told)
    this.#fresh.add(space)
    this.#note(space, told.answered({ here, hereCount }))
    this.#judge.named(this.process, space, [...told.list.keys()])
  }

  /** The message with the answers is over. */
  judge(): void {
    for (const space of this.#fresh) {
      const told = this.#spaces.get(space)
      if (told?.status === 'exact') this.#judge.answered(this, space, told)
    }
    this.#fresh.clear()
  }

  forget(space: SpaceId): void {
    this.#spaces.delete(space)
  }

  frame(frame: PresenceFrame): void {
    const { space, frozen } = frame
    const told = this.#spaces.get(space)
    if (told === undefined) return this.#fail(space, 'is told who is here without a subscription')
    if (!frozen) this.#judge.flushed(this.process, space)
    const reading = told.changed(frame)
    this.#note(space, reading)
    for (const being of reading.strangers)
      if (!this.#judge.wasNamed(this.process, space, being))
        this.#fail(space, `is told that ${being} left, who was not listed`)
    this.#judge.told(this, frame)
  }

  #note(space: SpaceId, { wrong }: RosterReading): void {
    for (const what of wrong) this.#fail(space, `is told what does not follow: ${what}`)
  }

  #fail(space: SpaceId, text: string): void {
    this.#judge.fail('S20', `${this.name} in ${space} ${text}`)
  }
}
