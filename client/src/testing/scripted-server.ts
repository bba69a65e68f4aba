/**
 * A gateway and an api in memory that speak the protocol, for tests of the client and of pages built on it. By
 * default they do the right thing: welcome who says hello, answer subscribe from a `SpaceLog`, carry out nothing. A
 * test takes over where it wants trouble: refuse sockets, keep silent, close with a code, lose or repeat frames, fail
 * requests.
 */
import {
  type BeingId,
  type Change,
  type ClientFrame,
  encodeMessage,
  type Here,
  type JsonObject,
  type News,
  NO_CLOSE_FRAME,
  parseClientMessage,
  type ServerFrame,
  type SpaceId,
} from '@rhizom/protocol'
import type { Environment } from '../runtime/environment.ts'
import type { OpenSocket, SocketHandlers } from '../runtime/websocket.ts'
import type { SpaceLog } from './space-log.ts'

export interface ScriptedConnection {
  /** Every frame the client sent over this socket. */
  readonly received: ClientFrame[]
  readonly open: boolean
  send(...frames: ServerFrame[]): void
  /** Sends text as it stands, for what no frame can express. */
  sendText(text: string): void
  /** Ends the socket; 1006 (`NO_CLOSE_FRAME` of the protocol) stands for a killed process. */
  close(code: number, reason?: string): void
}

/** An answer to a request: a status and a body, or `fail` for a network that breaks. */
export type Answer = { status: number; body: unknown; headers?: Record<string, string> } | 'fail'
export type Route = (body: unknown, url: URL, init: RequestInit) => Answer | Promise<Answer>

export type SocketScript =
  /** Accepts, welcomes and answers. */
  | 'serve'
  /** Ends every socket before it opens. */
  | 'refuse'
  /** Neither opens nor ends a socket. */
  | 'ignore'
  /** Opens and says nothing. */
  | 'mute'

export class ScriptedServer {
  script: SocketScript = 'serve'
  heartbeatMs = 20_000
  /** Whether `subscribe` is answered; a test that answers itself turns it off. */
  answersSubscribe = true
  readonly connections: ScriptedConnection[] = []
  readonly requests: { method: string; path: string; body: unknown; authorization: string | null }[] = []
  /** Who is here by the answers to `subscribe`; without an entry nobody is. `count` makes it a sample. */
  /** What is new to whoever follows. */
  news: Record<string, News> = {}
  readonly rosters = new Map<SpaceId, { here: Here[]; count?: number }>()
  readonly #spaces = new Map<SpaceId, SpaceLog>()
  readonly #routes = new Map<string, Route>()
  readonly #subscribed = new Map<ScriptedConnection, Set<SpaceId>>()

  /** The newest socket. Throws if there was none. */
  get connection(): ScriptedConnection {
    const newest = this.connections.at(-1)
    if (newest === undefined) throw new Error('no socket was opened yet')
    return newest
  }

  serve(log: SpaceLog): void {
    this.#spaces.set(log.id, log)
  }

  /** Answers a request, named as `POST /v1/mutations`; a name may end in `*`. */
  route(name: string, route: Route): void {
    this.#routes.set(name, route)
  }

  /** Sends changes of a space to everyone who subscribes to it, as one frame. */
  publish(log: SpaceLog, ...changes: Change[]): void {
    const first = changes[0]
    const last = changes.at(-1)
    if (first === undefined || last === undefined) return
    const { id: space, epoch } = log
    this.#broadcast(space, { type: 'changes', space, epoch, from: first.version - 1, to: last.version, changes })
  }

  /** Tells everyone who subscribes to a space who came, went or changed. */
  tellPresence(
    space: SpaceId,
    told: Partial<Extract<ServerFrame, { type: 'presence' }>> & { hereCount: number },
  ): void {
    this.#broadcast(space, { type: 'presence', space, joined: [], left: [], updated: [], frozen: false, ...told })
  }

  /** A signal of somebody, to everyone who subscribes to a space. */
  signal(space: SpaceId, from: BeingId, name: string, data: JsonObject = {}): void {
    this.#broadcast(space, { type: 'signal', space, from, name, data })
  }

  #broadcast(space: SpaceId, frame: ServerFrame): void {
    for (const [connection, spaces] of this.#subscribed) if (spaces.has(space)) connection.send(frame)
  }

  readonly openSocket: OpenSocket = (_url, handlers) => {
    const connection = new MemorySocket(handlers)
    this.connections.push(connection)
    const { script } = this
    queueMicrotask(() => {
      if (script === 'refuse') connection.close(NO_CLOSE_FRAME)
      else if (script !== 'ignore') connection.accept()
    })
    return {
      send: (text) => {
        for (const line of parseClientMessage(text)) {
          if (!line.ok) throw new Error(`the client sent what is no frame: ${line.problem}`)
          if (line.value.type === 'ignored') continue
          connection.received.push(line.value)
          if (script === 'serve') this.#answer(connection, line.value)
        }
      },
      close: () => {
        connection.drop()
        this.#subscribed.delete(connection)
      },
    }
  }

  readonly fetch: Environment['fetch'] = async (address, init) => {
    const url = new URL(address)
    const method = init.method ?? 'GET'
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : null
    const path = decodeURIComponent(url.pathname)
    this.requests.push({ method, path, body, authorization: new Headers(init.headers).get('authorization') })
    const name = `${method} ${path}`
    const route = [...this.#routes].find(([pattern]) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    )?.[1]
    const answer: Answer = await (route?.(body, url, init) ?? { status: 404, body: problem(404, 'not-found') })
    if (answer === 'fail') throw new TypeError('fetch failed')
    return new Response(JSON.stringify(answer.body), {
      status: answer.status,
      headers: { 'content-type': 'application/json', ...answer.headers },
    })
  }

  #answer(connection: ScriptedConnection, frame: ClientFrame): void {
    switch (frame.type) {
      case 'hello':
        this.#subscribed.set(connection, new Set())
        return connection.send({
          type: 'welcome',
          session: `session-${this.connections.length}`,
          being: '@ada',
          heartbeatMs: this.heartbeatMs,
        })
      case 'subscribe':
        if (this.answersSubscribe) this.answerSubscribe(connection, frame)
        return
      case 'unsubscribe':
        this.#subscribed.get(connection)?.delete(frame.space)
        return
      case 'ping':
        return connection.send({ type: 'pong' })
      case 'refresh':
      case 'presence':
      case 'signal':
      case 'follow':
        connection.send({ type: 'news', spaces: this.news, whole: true })
        return
      case 'work':
        return
      default:
        frame satisfies never
    }
  }

  /** Answers a subscription from the log: `resumed` where it reaches back, else a snapshot. */
  answerSubscribe(connection: ScriptedConnection, frame: ClientFrame & { type: 'subscribe' }): void {
    const log = this.#spaces.get(frame.space)
    if (log === undefined)
      return connection.send({ type: 'error', code: 'not-found', message: 'No such space', space: frame.space })
    this.#subscribed.get(connection)?.add(frame.space)
    const { here, count } = this.rosters.get(log.id) ?? { here: [] }
    const roster = { here, hereCount: count ?? here.length }
    const changes = log.changesAfter(frame.epoch, frame.after)
    if (changes !== null && frame.after !== undefined)
      return connection.send({
        type: 'resumed',
        space: log.id,
        epoch: log.epoch,
        from: frame.after,
        to: log.version,
        changes,
        ...roster,
      })
    const { space, ...rest } = log.snapshot()
    connection.send({ type: 'snapshot', ...rest, space: log.id, entity: space, ...roster })
  }
}

/** A problem document. */
export const problem = (status: number, code: string, extra: { retryAfterMs?: number } = {}) => ({
  type: 'about:blank',
  title: code,
  status,
  code,
  detail: `It is ${code}.`,
  ...extra,
})

/** The server's end of a socket. What is sent arrives in a later microtask, in order, unless the client let go. */
class MemorySocket implements ScriptedConnection {
  readonly received: ClientFrame[] = []
  open = false
  #dropped = false
  readonly #handlers: SocketHandlers

  constructor(handlers: SocketHandlers) {
    this.#handlers = handlers
  }

  accept(): void {
    if (this.#dropped) return
    this.open = true
    this.#handlers.onOpen()
  }

  drop(): void {
    this.open = false
    this.#dropped = true
  }

  send(...frames: ServerFrame[]): void {
    this.sendText(encodeMessage(frames))
  }

  sendText(text: string): void {
    queueMicrotask(() => {
      if (this.open) this.#handlers.onText(text)
    })
  }

  close(code: number, reason = ''): void {
    queueMicrotask(() => {
      if (this.#dropped) return
      this.drop()
      this.#handlers.onClose(code, reason)
    })
  }
}
