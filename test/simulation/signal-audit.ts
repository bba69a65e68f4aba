/**
 * Signals as one connection was sent them. Each carries the number under which it was said (`SignalBook`), so that one
 * that is late, repeated, or for somebody else shows.
 */
import type { BeingId, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { VirtualTime } from './virtual-time.ts'

type SignalFrame = Extract<ServerFrame, { type: 'signal' }>

interface Said {
  space: SpaceId
  from: BeingId
  name: string
  /** When a gateway took it. */
  at: number
}

/** Everything that was said, by number, and those who are to hear it. */
export class SignalBook {
  readonly audits = new Set<SignalAudit>()
  readonly #time: VirtualTime
  readonly #said = new Map<number, Said>()
  readonly #mostAgeMs: number
  readonly #met: (what: string) => void
  #lastNumber = 0

  constructor(time: VirtualTime, mostAgeMs: number, met: (what: string) => void) {
    this.#time = time
    this.#met = met
    this.#mostAgeMs = mostAgeMs
  }

  nextNumber(): number {
    return ++this.#lastNumber
  }

  /** A gateway was told. All who follow the space hear it, or a later one in its place. */
  taken(number: number, said: Omit<Said, 'at'>, speaker: SignalAudit): void {
    const at = this.#time.now()
    this.#said.set(number, { ...said, at })
    if (!speaker.isListening(said.space)) return
    const listeners = [...this.audits].filter((audit) => audit.isListening(said.space))
    this.#time.after(this.#mostAgeMs, () => {
      // It may have died before it handed the signal on.
      if (!speaker.isListening(said.space)) return
      for (const audit of this.audits) if (!audit.isOpen) this.audits.delete(audit)
      this.#met('a signal was looked for')
      for (const audit of listeners) audit.expect(number, said, at)
    })
  }

  find(number: number): Said | undefined {
    return this.#said.get(number)
  }
}

export interface SignalAuditPorts {
  time: VirtualTime
  book: SignalBook
  /** Of the same name and being no two come closer together than this. */
  windowMs: number
  /** No signal is older than this when it is sent. */
  mostAgeMs: number
  /** Nothing is lost, late or doubled on the way. */
  isQuiet(): boolean
  isOpen(): boolean
  mayRead(space: SpaceId): boolean
  fail(text: string): void
}

/** Two gateways may hand their signals to Redis the other way round. */
const RACE_MS = 30

export class SignalAudit {
  readonly #ports: SignalAuditPorts
  readonly #heard = new Map<string, { number: number; saidAt: number; at: number }>()

  readonly #answeredAt = new Map<SpaceId, number>()

  constructor(ports: SignalAuditPorts) {
    this.#ports = ports
    ports.book.audits.add(this)
  }

  get isOpen(): boolean {
    return this.#ports.isOpen()
  }

  isListening(space: SpaceId): boolean {
    return this.isOpen && this.#ports.mayRead(space)
  }

  /** It was there when the signal was said, and should have heard it or a later one. */
  expect(number: number, { space, from, name }: Omit<Said, 'at'>, saidAt: number): void {
    const { isQuiet, fail } = this.#ports
    if (!isQuiet() || !this.isListening(space) || (this.#answeredAt.get(space) ?? 0) >= saidAt) return
    const last = this.#heard.get(keyOf(space, from, name))
    if ((last?.saidAt ?? 0) < saidAt) fail(`nothing of the signal ${number} of ${from} in ${space}`)
  }

  /** What was heard before is another feed's, which had windows of its own. */
  answered(space: SpaceId): void {
    this.#answeredAt.set(space, this.#ports.time.now())
    for (const [key, heard] of this.#heard)
      if (key.startsWith(`${space} `)) this.#heard.set(key, { ...heard, at: Number.NEGATIVE_INFINITY })
  }

  heard({ space, from, name, data }: SignalFrame): void {
    const { time, book, fail, isQuiet, mayRead, windowMs, mostAgeMs } = this.#ports
    const number = Number(data?.['n'])
    const said = book.find(number)
    const key = keyOf(space, from, name)
    if (said === undefined || keyOf(said.space, said.from, said.name) !== key)
      return fail(`the signal ${number} of ${from} in ${space}, which was never said`)
    if (!mayRead(space)) fail(`a signal of ${space}, which it may not read`)
    const now = time.now()
    const before = this.#heard.get(key)
    this.#heard.set(key, { number, saidAt: said.at, at: now })
    if (!isQuiet()) return
    if (now - said.at > mostAgeMs) fail(`a signal of ${from} in ${space} that is ${now - said.at} ms old`)
    if (before === undefined) return
    if (before.number === number) fail(`the signal ${number} of ${from} in ${space} twice`)
    if (said.at < before.saidAt - RACE_MS) fail(`a signal of ${from} in ${space} after a later one`)
    if (now - before.at < windowMs)
      fail(`two signals of ${from} in ${space} under one name ${now - before.at} ms after each other`)
  }
}

const keyOf = (space: SpaceId, from: BeingId, name: string): string => `${space} ${from} ${name}`
