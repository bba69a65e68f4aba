/**
 * Writes one reply under one claim. It knows how far it has written and names its fence each time, so that what is sent
 * again is there once, and nothing is there that a later holder did not write. What it is told to be over is over.
 */
import type { Intention, MutationResult, Rejection } from '@rhizom/protocol'
import type { Server, Wanted } from './server.ts'

/** The claim does not stand any more: somebody stopped it, or it was taken for dead. */
export class ClaimLost extends Error {
  override name = 'ClaimLost'
}

/** More was said than an intention holds. */
export class TooLong extends Error {
  override name = 'TooLong'
}

export interface ReplyWriterDeps {
  server: Server
  reply: Intention
  fence: number
  leaseMs: number
  /** Ends whatever is being sent. */
  signal: AbortSignal
}

export class ReplyWriter {
  readonly #deps: ReplyWriterDeps
  #written = 0
  #isEnding = false
  #provedAtMs = performance.now()

  constructor(deps: ReplyWriterDeps) {
    this.#deps = deps
  }

  get written(): number {
    return this.#written
  }

  /** Whether it has said that the reply is complete, answered or not. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  async append(text: string): Promise<void> {
    await this.#send([this.#append(text)])
    this.#written += text.length
  }

  /** With what is left to say, in one transaction. */
  async complete(text: string): Promise<void> {
    const last = text === '' ? [] : [this.#append(text)]
    this.#isEnding = true
    await this.#send([...last, this.#update({ state: 'complete' })])
    this.#written += text.length
  }

  fail(reason: string): Promise<void> {
    return this.#send([this.#update({ state: 'failed', reason: reason.slice(0, 500).toWellFormed() })])
  }

  /** For another copy to begin anew. */
  handBack(): Promise<void> {
    return this.#send([this.#update({ state: 'draft' })])
  }

  /** Renews the claim unless something was written so lately. */
  async renew(withinMs: number): Promise<void> {
    const { reply, fence, leaseMs } = this.#deps
    if (performance.now() - this.#provedAtMs < withinMs) return
    await this.#send([{ space: reply.location, name: 'intention.claim', args: { id: reply.id, leaseMs, fence } }])
  }

  #append(text: string): Wanted {
    const { reply, fence } = this.#deps
    const args = { id: reply.id, text, at: this.#written, fence }
    return { space: reply.location, name: 'intention.append', args }
  }

  #update(change: { state: 'complete' | 'draft' } | { state: 'failed'; reason: string }): Wanted {
    const { reply, fence } = this.#deps
    return { space: reply.location, name: 'intention.update', args: { id: reply.id, fence, ...change } }
  }

  async #send(wanted: readonly Wanted[]): Promise<void> {
    const askedAtMs = performance.now()
    const results = await this.#deps.server.mutate(wanted, this.#deps.signal)
    if (results === undefined) throw new ClaimLost('stopped before there was an answer')
    for (const result of results) {
      const error = rejectionOf(result)
      if (error !== undefined) throw faultOf(error)
    }
    this.#provedAtMs = askedAtMs
  }
}

const rejectionOf = ({ error }: MutationResult): Rejection | undefined => error

function faultOf({ code, message }: Rejection): Error {
  switch (code) {
    case 'too-large':
      return new TooLong(message)
    case 'fenced':
    case 'not-found':
    case 'forbidden':
      return new ClaimLost(message)
    case 'gap':
    case 'taken':
    case 'wrong-space':
    case 'last-owner':
      return new Error(`a reply could not be written: ${code}: ${message}`)
    default:
      return code satisfies never
  }
}
