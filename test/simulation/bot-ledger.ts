/**
 * What becomes of questions, told by the log and by what is answered, and held against what is promised. It knows
 * nothing of how claims are decided: it keeps its own time of each lease, and each word says under which fence it was
 * said, so that a word of another holder, a word twice or a word left out shows in the text.
 */
import type { BeingId, Change, Intention, Mutation, MutationResult } from '@rhizom/protocol'
import type { BotsShape } from './plan.ts'

export const BOT: BeingId = '@bot'

interface Standing {
  fence: number
  /** When the lease runs out, as the log had it renewed. */
  until: number
}

interface Reply {
  id: string
  text: string
  state: Intention['state']
  attempt: number
  standing: Standing | undefined
}

export interface LedgerPorts {
  shape: BotsShape
  now(): number
  fail(rule: string, text: string): void
  met(what: string): void
}

const ENDED: ReadonlySet<Intention['state']> = new Set(['complete', 'failed', 'cancelled'])

/** What a holder says, word by word. */
export const wordsOf = (fence: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${String(fence).padStart(4, '0')}.${String(at).padStart(2, '0')} `)

const textIn = ({ content }: Pick<Intention, 'content'>): string => content.map(String).join('')

export class BotLedger {
  readonly replies = new Map<string, Reply>()
  /** Of each question, its replies. */
  readonly #questions = new Map<string, string[]>()
  readonly #holders = new Map<number, string>()
  readonly #ports: LedgerPorts

  constructor(ports: LedgerPorts) {
    this.#ports = ports
  }

  get open(): Reply[] {
    return [...this.replies.values()].filter(({ state }) => !ENDED.has(state))
  }

  get withoutAnswer(): Reply[] {
    return [...this.replies.values()].filter(({ state }) => state === 'failed' || state === 'cancelled')
  }

  /** A change of the log, `byDuty` where no mutation asked for it. */
  committed(change: Change, byDuty: boolean): void {
    if (change.kind === 'intention.append') return this.#appended(change.body, change.at)
    if (change.kind === 'intention.remove') return this.#fail('S40', `${change.body.id} was removed by nobody`)
    if (change.kind !== 'intention.put') return
    const { body } = change
    if (body.owner !== BOT) return void this.#questions.set(body.id, this.#questions.get(body.id) ?? [])
    const before = this.replies.get(body.id)
    if (before === undefined) this.#asked(body)
    else this.#changed(before, body, { at: change.at, version: change.version, byDuty })
  }

  /** What a copy asked for, and what it was answered. Nobody is told of a mutation's first outcome twice here. */
  answered(copy: string, mutation: Mutation, result: MutationResult): void {
    if (
      mutation.name !== 'intention.claim' &&
      mutation.name !== 'intention.append' &&
      mutation.name !== 'intention.update'
    )
      return
    const { id, fence } = mutation.args
    const standing = this.replies.get(id)?.standing
    if (mutation.name === 'intention.claim' && fence === 0) {
      if (result.status !== 'applied') return this.#ports.met('a claim lost')
      if (standing?.fence !== result.version)
        return this.#fail(
          'S41',
          `${copy} is told that it won ${id} with ${result.version}, and ${standing?.fence} stands`,
        )
      const holder = this.#holders.get(standing?.fence ?? 0)
      if (holder !== undefined) this.#fail('S41', `${copy} and ${holder} both won ${id} with ${result.version}`)
      this.#holders.set(standing?.fence ?? 0, copy)
      return
    }
    if (fence === undefined) return
    const isEnd = mutation.name === 'intention.update'
    if (result.error?.code === 'fenced') {
      this.#ports.met('fenced')
      if (standing?.fence === fence) this.#fail('S47', `${copy} is refused under ${fence}, which stands on ${id}`)
    } else if (result.status === 'applied' && standing?.fence !== fence && !isEnd)
      this.#fail('S47', `${copy} is told that it wrote ${id} under ${fence}, and ${standing?.fence} stands`)
    if (result.error?.code === 'gap') this.#ports.met('a gap')
  }

  /** The duty went over all claims. */
  dutyDone(): void {
    for (const { id, standing } of this.open)
      if (standing !== undefined && standing.until <= this.#ports.now())
        this.#fail('S44', `the lease of ${id} ran out, and its claim ${standing.fence} stands`)
  }

  /** What has not come to an end, in words. */
  missing(): string | undefined {
    for (const [id, replies] of this.#questions) if (replies.length !== 1) return `${id} has ${replies.length} replies`
    const [one] = this.open
    return one && `reply ${one.id} is still ${one.state}, in attempt ${one.attempt}`
  }

  #asked({ id, replyTo, state, claim, attempt, content }: Intention): void {
    const question = replyTo ?? ''
    const replies = [...(this.#questions.get(question) ?? []), id]
    this.#questions.set(question, replies)
    if (replies.length > 1) this.#fail('S40', `${question} has ${replies.length} replies`)
    if (state !== 'draft' || claim || attempt !== 1 || content.length > 0)
      this.#fail('S40', `reply ${id} begins as ${state}, in attempt ${attempt}`)
    this.replies.set(id, { id, text: '', state, attempt: 1, standing: undefined })
  }

  #appended({ id, text, until }: Extract<Change, { kind: 'intention.append' }>['body'], at: number): void {
    const reply = this.replies.get(id)
    if (reply === undefined) return this.#fail('S42', `an append to ${id}, which nobody asked for`)
    const { standing } = reply
    if (standing === undefined) return this.#fail('S42', `${text} is written into ${id}, which nobody holds`)
    reply.text += text
    standing.until = at + this.#ports.shape.leaseMs
    if (until !== standing.until) this.#fail('S44', `an append to ${id} renews its lease until ${until}`)
    const whole = wordsOf(standing.fence, this.#ports.shape.words).join('')
    if (!whole.startsWith(reply.text)) this.#fail('S42', `${id}, held under ${standing.fence}, says ${reply.text}`)
  }

  #changed(reply: Reply, next: Intention, by: { at: number; version: number; byDuty: boolean }): void {
    const { leaseMs, words } = this.#ports.shape
    const { standing, text, state, attempt } = reply
    const claim = next.claim ?? undefined
    const said = textIn(next)
    const what = `${reply.id} (${state}, attempt ${attempt}, fence ${standing?.fence}) becomes ${next.state}`
    const { attempt: nextAttempt = 1 } = next
    reply.standing = claim === undefined ? undefined : { fence: claim.fence, until: by.at + leaseMs }
    reply.state = next.state
    reply.text = said
    reply.attempt = nextAttempt
    if ((claim !== undefined) !== (next.state === 'active')) this.#fail('S41', `${what}, with fence ${claim?.fence}`)
    if (said !== (next.state === 'draft' ? '' : text)) this.#fail('S42', `${what} and says ${said} after ${text}`)
    if (by.byDuty) return this.#ranOut(reply, { standing, attempt, at: by.at, reason: next.reason, what })
    if (claim !== undefined) {
      if (standing === undefined && state !== 'draft') this.#fail('S41', `${what}: claimed`)
      const fence = standing?.fence ?? by.version
      if (claim.fence !== fence) this.#fail('S41', `${what} with fence ${claim.fence}, not ${fence}`)
      this.#ports.met(standing === undefined ? 'claimed' : 'renewed')
    }
    if (next.state === 'complete' && said !== wordsOf(standing?.fence ?? 0, words).join(''))
      this.#fail('S43', `${what} and says ${said}`)
    const isRetry = next.state === 'draft' && standing === undefined
    if (nextAttempt !== (isRetry ? 1 : attempt)) this.#fail('S45', `${what} in attempt ${nextAttempt}`)
    if (isRetry && !ENDED.has(state)) this.#fail('S45', `${what}, though nobody retries it`)
    if (isRetry) this.#ports.met('retried')
    if (next.state === 'draft' && !isRetry) this.#ports.met('handed back')
    if (ENDED.has(next.state)) this.#ports.met(`ended ${next.state}`)
  }

  #ranOut(
    { state, attempt: next, id }: Reply,
    was: { standing: Standing | undefined; attempt: number; at: number; reason: string | undefined; what: string },
  ): void {
    const { standing, attempt, at, reason, what } = was
    const { maxAttempts } = this.#ports.shape
    this.#ports.met('a lease ran out')
    if (standing === undefined) return this.#fail('S44', `${what} by the duty, and nobody held it`)
    if (standing.until > at)
      this.#fail('S44', `${id} is taken from ${standing.fence} ${standing.until - at} ms too soon`)
    if (attempt < maxAttempts) {
      if (state !== 'draft' || next !== attempt + 1) this.#fail('S45', `${what} in attempt ${next}`)
      return
    }
    if (state !== 'failed' || reason === undefined) this.#fail('S45', `${what} after ${maxAttempts} attempts`)
    this.#ports.met('given up')
  }

  #fail(rule: string, text: string): void {
    this.#ports.fail(rule, text)
  }
}
