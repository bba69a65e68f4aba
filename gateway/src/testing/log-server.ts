/**
 * For tests: the api's internal part over real HTTP, from logs held in memory, so that a gateway can be tested without
 * a database. `commit` also gives the message that the api would publish.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Change,
  encodeChangesMessage,
  INSTALLATION_HEADER,
  type InternalNewsAnswer,
  type InternalNewsBody,
  type InternalRead,
  type Intention,
  type News,
  NO_SUCH_SPACE,
} from '@rhizom/protocol'

const ADA = '@ada'
export const TEST_INSTALLATION = crypto.randomUUID()
export const TEST_INTERNAL_TOKEN = randomBytes(16).toString('hex')

type NewChange = Pick<Change, 'kind' | 'body'>

const uuid = (): string => crypto.randomUUID()

export const utterance = (space: string, text: string): NewChange => {
  const body: Intention = {
    id: uuid(),
    type: 'utterance',
    state: 'complete',
    owner: ADA,
    location: space,
    content: [text],
    rev: 1,
    createdAt: 1,
    modifiedAt: 1,
  }
  return { kind: 'intention.put', body }
}

class TestSpace {
  readonly id: string
  epoch = uuid()
  version = 0
  first = 0
  changes: Change[] = []
  visibility: 'public' | 'private' = 'public'
  readers = new Set<string>()
  snapshotPadding = 0

  constructor(id: string) {
    this.id = id
  }

  /** Appends to the log without a word to anybody. Returns the message to publish. */
  commit(...changes: NewChange[]): Uint8Array {
    const from = this.version
    const made = changes.map(
      (change) => ({ ...change, version: ++this.version, at: Date.now(), actor: ADA, mutation: uuid() }) as Change,
    )
    this.changes.push(...made)
    for (const { kind, body } of made) {
      if (kind === 'member.put') this.readers.add(body.being)
      if (kind === 'member.remove') this.readers.delete(body.id)
      if (kind === 'space.put') this.visibility = body.visibility
    }
    return encodeChangesMessage(this.id, this.epoch, from, made)
  }

  get position(): { epoch: string; version: number } {
    return { epoch: this.epoch, version: this.version }
  }

  read(epoch: string | null, after: number | undefined): InternalRead {
    const access = { visibility: this.visibility, readers: [...this.readers] }
    const { version } = this
    if (epoch === this.epoch && after !== undefined && after >= this.first && after <= version) {
      const changes = this.changes.slice(after - this.first)
      return { access, epoch, version, catchUp: { kind: 'changes', from: after, changes } }
    }
    const space = { id: this.id, name: 'x', visibility: this.visibility, epoch: this.epoch, version, createdAt: 1 }
    const padding = utterance(this.id, 'x'.repeat(this.snapshotPadding)).body as Intention
    const intentions = this.snapshotPadding > 0 ? [padding] : []
    const snapshot = { space, epoch: this.epoch, version, beings: [], beingCount: 0, intentions, hasMore: false }
    return { access, epoch: this.epoch, version, catchUp: { kind: 'snapshot', snapshot } }
  }
}

export class LogServer {
  readonly spaces = new Map<string, TestSpace>()
  /** What was asked, in order, as `GET /internal/…`. */
  readonly asked: string[] = []
  /** Removed beings, with the time until which it matters. */
  readonly revoked: Record<string, number> = {}
  /** What is new to beings, by being and space. */
  readonly news = new Map<string, Map<string, News>>()
  /** What was asked of news, in order. */
  readonly newsAsked: InternalNewsBody[] = []
  isAway = false
  /** Answers wait for this, where a test wants a read to take its time. */
  gate: Promise<void> = Promise.resolve()
  readonly #server: Server
  url = ''

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json', [INSTALLATION_HEADER]: TEST_INSTALLATION })
          response.end(JSON.stringify(body))
        },
        (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  space(id = `@t${uuid()}`): TestSpace {
    const known = this.spaces.get(id) ?? new TestSpace(id)
    this.spaces.set(id, known)
    return known
  }

  reads(space: string): string[] {
    return this.asked.filter((line) => line.includes(encodeURIComponent(space)))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #newsOf(asked: InternalNewsBody): InternalNewsAnswer {
    this.newsAsked.push(asked)
    const { all, some } = asked
    const spacesOf = (being: string) => Object.fromEntries(this.news.get(being) ?? [])
    return {
      all: Object.fromEntries(all.map((being) => [being, { spaces: spacesOf(being), hasMore: false }])),
      some: Object.fromEntries(
        Object.entries(some).map(([space, beings]) => [
          space,
          Object.fromEntries(beings.map((being) => [being, this.news.get(being)?.get(space) ?? null])),
        ]),
      ),
    }
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const url = new URL(request.url ?? '', this.url)
    this.asked.push(`${request.method} ${url.pathname}${url.search}`)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    await this.gate
    if (this.isAway) return { status: 503, body: { code: 'unavailable', retryAfterMs: 20 } }
    if (request.headers.authorization !== `Bearer ${TEST_INTERNAL_TOKEN}`)
      return { status: 401, body: { code: 'not-authenticated' } }
    if (url.pathname === '/internal/heads') {
      const { spaces } = JSON.parse(text) as { spaces: string[] }
      const known = spaces.flatMap((id) => this.spaces.get(id) ?? [])
      return { status: 200, body: { heads: Object.fromEntries(known.map((space) => [space.id, space.position])) } }
    }
    if (url.pathname === '/internal/news') {
      const asked: InternalNewsBody = JSON.parse(text)
      return { status: 200, body: this.#newsOf(asked) }
    }
    if (url.pathname === '/internal/revoked')
      return { status: 200, body: { revoked: this.revoked, next: { since: 0 }, isWhole: true } }
    const space = this.spaces.get(decodeURIComponent(url.pathname.split('/').at(-1) ?? ''))
    if (space === undefined) return { status: 404, body: { code: 'not-found', path: NO_SUCH_SPACE } }
    const after = url.searchParams.get('after')
    return { status: 200, body: space.read(url.searchParams.get('epoch'), after === null ? undefined : Number(after)) }
  }
}
