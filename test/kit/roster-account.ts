/**
 * Who is in one space as one client was told, by the rules of the contract alone: an answer to `subscribe` is the list,
 * the `presence` frames after it alter it. Each is read for what does not follow from what was told before. Whether it
 * is true is for those to say who know who is here.
 */
import { type Here, LIMITS, type ServerFrame } from '@rhizom/protocol'

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>
export interface RosterAnswer {
  here: readonly Here[]
  hereCount: number
}

/**
 * `left`: named in a frame · `unlisted`: missing in a later answer · `later`: here since later than was told before.
 */
export interface Gone {
  one: Here
  how: 'left' | 'unlisted' | 'later'
}

export interface RosterReading {
  /** What no gateway may send, whatever fails. */
  wrong: string[]
  gone: Gone[]
  /** Told to be here, and not known to be. */
  came: string[]
  /**
   * Left without being listed: right only for those whom an answer named while others were not told. Who came and went
   * while the roster was frozen leaves for newcomers alone, in everybody's frame.
   */
  strangers: string[]
}

export class RosterAccount {
  readonly list = new Map<string, Here>()
  count = 0
  /** `unknown` without an answer on the present connection. */
  status: 'unknown' | 'exact' | 'frozen' = 'unknown'
  readonly #listLimit: number
  /** Named in the answer, and perhaps once more in the frame that tells the others. */
  readonly #named = new Set<string>()

  constructor(listLimit: number = LIMITS.maxHereListed) {
    this.#listLimit = listLimit
  }

  /** Up to the limit everybody is listed. */
  get isWhole(): boolean {
    return this.count <= this.#listLimit
  }

  get names(): string[] {
    return [...this.list.keys()].sort()
  }

  answered({ here, hereCount }: RosterAnswer): RosterReading {
    const reading: RosterReading = { wrong: [], gone: [], came: [], strangers: [] }
    const before = new Map(this.list)
    this.list.clear()
    this.#named.clear()
    for (const one of here) {
      if (this.list.has(one.being)) reading.wrong.push(`an answer lists ${one.being} twice`)
      if (!before.has(one.being)) reading.came.push(one.being)
      compareTimes(reading, before.get(one.being), one)
      this.list.set(one.being, one)
      this.#named.add(one.being)
    }
    for (const one of before.values()) if (!this.list.has(one.being)) reading.gone.push({ one, how: 'unlisted' })
    this.status = 'exact'
    this.#counted(reading, hereCount, 'an answer')
    return reading
  }

  changed(frame: PresenceFrame): RosterReading {
    const reading: RosterReading = { wrong: [], gone: [], came: [], strangers: [] }
    const { joined, left, updated, frozen, hereCount } = frame
    if (this.status === 'unknown') {
      reading.wrong.push('a presence frame before the answer')
      return reading
    }
    if (frozen && joined.length + left.length + updated.length > 0)
      reading.wrong.push(`a frozen frame alters the list: ${JSON.stringify(frame)}`)
    for (const being of left) this.#left(reading, being)
    for (const one of joined) {
      if (left.includes(one.being)) reading.wrong.push(`${one.being} left and joined at once`)
      this.#joined(reading, one)
    }
    for (const one of updated) this.#updated(reading, one)
    this.status = frozen ? 'frozen' : 'exact'
    if (!frozen) this.#named.clear()
    this.#counted(reading, hereCount, `a${frozen ? ' frozen' : ''} frame`)
    if (!frozen && !this.isWhole && this.list.size !== this.#listLimit)
      reading.wrong.push(`${this.list.size} of ${hereCount} are listed, and not ${this.#listLimit}`)
    return reading
  }

  /** The connection is gone: what is known is what was told last. */
  lost(): void {
    this.status = 'unknown'
  }

  #left(reading: RosterReading, being: string): void {
    const one = this.list.get(being)
    if (one === undefined) reading.strangers.push(being)
    else reading.gone.push({ one, how: 'left' })
    this.list.delete(being)
  }

  #joined(reading: RosterReading, one: Here): void {
    if (this.list.has(one.being) && !this.#named.delete(one.being))
      reading.wrong.push(`${one.being} joined and was there already`)
    compareTimes(reading, this.list.get(one.being), one)
    reading.came.push(one.being)
    this.list.set(one.being, one)
  }

  #updated(reading: RosterReading, one: Here): void {
    const before = this.list.get(one.being)
    if (before === undefined) return void reading.wrong.push(`${one.being} was updated and is not there`)
    compareTimes(reading, before, one)
    this.list.set(one.being, one)
  }

  #counted(reading: RosterReading, count: number, what: string): void {
    this.count = count
    const { size } = this.list
    if (this.isWhole ? count !== size : count < size)
      reading.wrong.push(`${what} counts ${count}, the list holds ${size}`)
  }
}

/** Who stays has come once. */
function compareTimes(reading: RosterReading, before: Here | undefined, now: Here): void {
  if (before !== undefined && now.since > before.since) reading.gone.push({ one: before, how: 'later' })
}
