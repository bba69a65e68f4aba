/**
 * Who is here as one connection was told, space by space: what its client's list must be. Holds each answer and frame
 * to what was said before it, and to the facts (presence-oracle.ts).
 */
import type { BeingId, Here, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { ProcessFacts } from './presence-ledger.ts'

type Answer = Pick<Extract<ServerFrame, { type: 'snapshot' }>, 'space' | 'here' | 'hereCount'>
type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>

/** What a connection was told of one space. */
export interface Told {
  list: Map<BeingId, Here>
  count: number
  isFrozen: boolean
  /** Listed in the answer alone: the next frame names them to the others, and so once more to this one. */
  fromAnswer: Set<BeingId>
  /** The answer has not been judged: a word that it is frozen may follow it in the same message. */
  isFresh: boolean
}

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
  answered(audit: RosterAudit, space: SpaceId, told: Told): void
}

export class RosterAudit {
  readonly process: ProcessFacts
  readonly name: string
  readonly isOpen: () => boolean
  readonly #judge: RosterJudge
  readonly #spaces = new Map<SpaceId, Told>()

  constructor(judge: RosterJudge, process: ProcessFacts, name: string, isOpen: () => boolean) {
    this.#judge = judge
    this.process = process
    this.name = name
    this.isOpen = isOpen
    judge.audits.add(this)
  }

  told(space: SpaceId): Told | undefined {
    return this.#spaces.get(space)
  }

  answered({ space, here, hereCount }: Answer): void {
    const list = new Map(here.map((one) => [one.being, one]))
    if (list.size !== here.length) this.#fail('S20', space, 'is answered with somebody twice')
    this.#spaces.set(space, {
      list,
      count: hereCount,
      isFrozen: false,
      fromAnswer: new Set(list.keys()),
      isFresh: true,
    })
    this.#judge.named(this.process, space, [...list.keys()])
    this.#checkCount(space)
  }

  /** The message with the answers is over. */
  judge(): void {
    for (const [space, told] of this.#spaces) {
      if (!told.isFresh) continue
      told.isFresh = false
      if (!told.isFrozen) this.#judge.answered(this, space, told)
    }
  }

  forget(space: SpaceId): void {
    this.#spaces.delete(space)
  }

  frame(frame: PresenceFrame): void {
    const { space, joined, left, updated, hereCount, frozen } = frame
    const told = this.#spaces.get(space)
    if (told === undefined) return this.#fail('S20', space, 'is told who is here without a subscription')
    if (!frozen) this.#judge.flushed(this.process, space)
    const { list, fromAnswer } = told
    for (const being of left) {
      if (joined.some((one) => one.being === being)) this.#fail('S20', space, `is told that ${being} left and joined`)
      if (!list.delete(being) && !this.#judge.wasNamed(this.process, space, being))
        this.#fail('S20', space, `is told that ${being} left, who was not listed`)
      fromAnswer.delete(being)
    }
    for (const one of joined) {
      if (list.has(one.being) && !fromAnswer.delete(one.being))
        this.#fail('S20', space, `is told that ${one.being} joined, who was listed`)
      list.set(one.being, one)
    }
    for (const one of updated) {
      if (!list.has(one.being)) this.#fail('S20', space, `is told what became of ${one.being}, who was not listed`)
      list.set(one.being, one)
    }
    told.count = hereCount
    told.isFrozen = frozen
    this.#checkCount(space)
    if (!frozen) this.#checkWhole(space, told)
    this.#judge.told(this, frame)
  }

  #checkCount(space: SpaceId): void {
    const { list, count } = this.#spaces.get(space) ?? { list: new Map(), count: 0 }
    if (list.size > count) this.#fail('S20', space, `holds ${list.size} of ${count} who are here`)
  }

  /** Up to the limit everybody is listed, beyond it as many. */
  #checkWhole(space: SpaceId, { list, count }: Told): void {
    const should = Math.min(count, this.#judge.tuning.listLimit)
    if (list.size !== should) this.#fail('S20', space, `holds ${list.size} of ${count}, and should hold ${should}`)
  }

  #fail(rule: string, space: SpaceId, text: string): void {
    this.#judge.fail(rule, `${this.name} in ${space} ${text}`)
  }
}
