/**
 * Asks a bot of a space, and holds what became of it to what is promised: each question has one reply, whole, the text
 * that the bot tells to it, and no version of the log ever showed anything else. Whoever asks does so again, under the
 * same ids, until there is an answer: what is killed meanwhile is the caller's matter.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { appendText, type Change, changesAnswerSchema, type Intention, snapshotSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { type Answer, apply, call, type MutationInput, mutate, type Session, utterance } from '../wire/api-caller.ts'
import { toldTo } from './told.ts'

export interface QuestionsOptions {
  /** Those that may be asked just now: the first that answers will do. */
  apis: () => readonly string[]
  owner: Session
  space: string
  bot: string
}

const AGAIN_MS = 50
const PAGE = 1000
const textOf = ({ content }: Pick<Intention, 'content'>): string =>
  content.filter((node) => typeof node === 'string').join('')

export class Questions {
  /** By the id of the utterance. */
  readonly asked = new Map<string, string>()
  readonly #options: QuestionsOptions

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Makes the space and the bot in it. */
  async begin(): Promise<void> {
    const { apis, owner, space, bot } = this.#options
    const api = apis()[0] ?? ''
    const being = { id: bot, type: 'bot', name: 'Teller', properties: { wakes: 'all' } }
    await apply(api, owner.token, { space, name: 'space.create', args: { name: 'Asked' } })
    await apply(api, owner.token, { space, name: 'being.create', args: being })
  }

  /** A session of the bot that nobody else has. */
  async newSession(): Promise<Session> {
    const { apis, owner, bot } = this.#options
    const answer = await call<Session>(apis()[0] ?? '', 'POST', '/v1/sessions', {
      token: owner.token,
      body: { being: bot },
    })
    if (answer.status !== 201) throw new Error(`no session of ${bot}: ${answer.status}`)
    return answer.body
  }

  async ask(): Promise<void> {
    const id = uuidv7()
    const text = `question ${this.asked.size}`
    this.asked.set(id, text)
    await this.#insist({ ...utterance(this.#options.space, text, id), id: uuidv7() })
  }

  /** Of all questions, oldest first. */
  async replies(): Promise<Intention[]> {
    const { space, bot } = this.#options
    const replies: Intention[] = []
    for (let before: string | undefined; ; ) {
      const query = before === undefined ? `?limit=${PAGE}` : `?limit=${PAGE}&before=${before}`
      const { body } = await this.#get(`/v1/spaces/${space}/intentions${query}`)
      const page = snapshotSchema.pick({ intentions: true, hasMore: true }).parse(body)
      replies.unshift(...page.intentions.filter(({ owner }) => owner === bot))
      if (!page.hasMore) return replies
      before = page.intentions[0]?.id
    }
  }

  async #log(): Promise<Change[]> {
    const { space } = this.#options
    const snapshot = snapshotSchema.parse((await this.#get(`/v1/spaces/${space}`)).body)
    const changes: Change[] = []
    for (;;) {
      const path = `/v1/spaces/${space}/changes?epoch=${snapshot.epoch}&after=${changes.length}&limit=${PAGE}`
      const page = changesAnswerSchema.parse((await this.#get(path)).body)
      changes.push(...page.changes)
      if (page.to === page.head) return changes
    }
  }

  /** Everything that must not be, in words, once all replies have come to an end. */
  async problems(): Promise<string[]> {
    const problems: string[] = []
    const replies = await this.replies()
    const counts = Map.groupBy(replies, ({ replyTo }) => replyTo ?? '')
    for (const [id, text] of this.asked)
      if (counts.get(id)?.length !== 1) problems.push(`${text} has ${counts.get(id)?.length ?? 0} replies`)
    if (replies.length !== this.asked.size) problems.push(`${replies.length} replies to ${this.asked.size} questions`)
    for (const reply of replies)
      if (reply.state !== 'complete' || textOf(reply) !== this.#told(reply))
        problems.push(`the reply ${reply.id} is ${reply.state} and says ${textOf(reply)}`)
    return [...problems, ...this.#problemsInLog(await this.#log(), replies)]
  }

  #problemsInLog(log: readonly Change[], replies: readonly Intention[]): string[] {
    const problems: string[] = []
    const held = new Map<string, Intention>()
    for (const change of log) {
      if (change.kind === 'intention.put') {
        const { body } = change
        if (body.state === 'draft' && textOf(body) !== '') problems.push(`the draft ${body.id} says ${textOf(body)}`)
        held.set(body.id, body)
      }
      if (change.kind !== 'intention.append') continue
      const before = held.get(change.body.id)
      if (before?.state !== 'active' || !before.claim) {
        problems.push(`${change.body.id} is written at ${change.version}, while it is ${before?.state}`)
        continue
      }
      const after = { ...before, content: appendText(before.content, change.body.text) }
      held.set(after.id, after)
      if (!this.#told(after).startsWith(textOf(after)))
        problems.push(`${after.id} says ${textOf(after)} at ${change.version}`)
    }
    for (const reply of replies)
      if (textOf(held.get(reply.id) ?? reply) !== textOf(reply)) problems.push(`the log tells ${reply.id} otherwise`)
    return problems
  }

  #told({ replyTo }: Intention): string {
    return toldTo(this.asked.get(replyTo ?? '') ?? '')
  }

  async #insist(mutation: MutationInput): Promise<void> {
    const { apis, owner } = this.#options
    await this.#untilAnswered(async (api) => {
      const { status, body } = await mutate(api, owner.token, mutation)
      if (status !== 200) return undefined
      const [result] = body.results
      if (result?.error !== undefined) throw new Error(`a question was refused: ${result.error.code}`)
      return result
    }, apis)
  }

  #get(path: string): Promise<Answer<unknown>> {
    const { apis, owner } = this.#options
    return this.#untilAnswered(async (api) => {
      const answer = await call(api, 'GET', path, { token: owner.token, timeoutMs: 10_000 })
      return answer.status === 200 ? answer : undefined
    }, apis)
  }

  /** Whoever does not answer is asked again, or the next. */
  async #untilAnswered<T>(ask: (api: string) => Promise<T | undefined>, apis: () => readonly string[]): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      const urls = apis()
      try {
        const answer = await ask(urls[tries % Math.max(1, urls.length)] ?? '')
        if (answer !== undefined) return answer
      } catch (error) {
        if (!isUnanswered(error)) throw error
      }
      await sleep(AGAIN_MS)
    }
  }
}

/** As fetch says that nobody is there, or that it took too long. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')
