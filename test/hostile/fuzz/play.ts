/**
 * Plays one episode against a node and says what came of it. Everything said must be taken note of: over HTTP by an
 * answer that its schema knows, over a socket by an answer to what is said after it, or by a close with a code of the
 * contract.
 */
import { CLOSE, FRAME_ERRORS, type ServerFrame } from '@rhizom/protocol'
import { z } from 'zod'
import type { Cluster } from '../../cluster/cluster.ts'
import type { HttpAnswer } from '../bytes/http-bytes.ts'
import { HttpPeer } from '../bytes/http-peer.ts'
import { wsFrame } from '../bytes/ws-bytes.ts'
import { WsPeer } from '../bytes/ws-peer.ts'
import type { LagMeter } from '../../cluster/lag-meter.ts'
import { addressOf, type Operation } from '../operations.ts'
import { problemOfAnswer } from '../well-formed.ts'
import type { Episode, Step } from './episode.ts'
import type { FuzzWorld } from './world.ts'

export interface Played {
  /** What must not be; empty where all is well. */
  problems: string[]
  /** How many of its steps are known to have been taken. */
  taken: number
  outcomes: string[]
}

/** What the machine was late taken off. */
const ANSWER_WITHIN_MS = 5_000
const GIVEN_UP_AFTER_MS = 30_000
/** Frames that break the protocol may leave the other end waiting for the rest of them. */
const PATIENCE_MS = 60
const CUT_ABOVE_BYTES = 1024 * 1024

const CODES: ReadonlySet<number> = new Set(Object.values(CLOSE).map(({ code }) => code))
const isFrameError = (code: string): boolean => code in FRAME_ERRORS

const NO_CONTENT = 204

export class Player {
  readonly #cluster: Cluster
  readonly #world: FuzzWorld
  readonly #lag: LagMeter
  readonly #answers = new Map<string, z.ZodType>()
  /** By address. */
  readonly #idle = new Map<string, HttpPeer[]>()

  constructor(cluster: Cluster, world: FuzzWorld, lag: LagMeter, operations: readonly Operation[]) {
    this.#cluster = cluster
    this.#world = world
    this.#lag = lag
    for (const { method, path, answers, document } of operations)
      for (const [status, schema] of answers)
        this.#answers.set(
          `${method} ${path} ${status}`,
          z.fromJSONSchema({ ...document, ...schema } as Parameters<typeof z.fromJSONSchema>[0]),
        )
  }

  async play(episode: Episode): Promise<Played> {
    const played: Played = { problems: [], taken: 0, outcomes: [] }
    try {
      if (episode.kind === 'requests') await this.#request(episode, played)
      else await this.#speak(episode, played)
    } catch (error) {
      played.problems.push(error instanceof Error ? error.message : String(error))
    }
    return played
  }

  /** Lets go of the connections that are kept from one episode to the next. */
  letGo(): void {
    for (const peer of [...this.#idle.values()].flat()) peer.cut()
    this.#idle.clear()
  }

  async #speak(episode: Episode, played: Played): Promise<void> {
    const { gateways, apis } = this.#cluster
    const gateway = gateways[episode.node % gateways.length]
    if (gateway === undefined) throw new Error('no gateway')
    const hello = wsFrame(JSON.stringify({ type: 'hello', protocol: 1, token: this.#world.token }))
    const subscribe = wsFrame('{"type":"subscribe","space":"@fuzz-open"}')
    const said = episode.steps.map((step) => this.#bytesOf(step))
    const ws = await WsPeer.open(gateway.url)
    ws.onFrame = (frame) => played.outcomes.push(outcomeOf(frame, played))
    try {
      if (episode.kind === 'before hello') void ws.peer.send(Buffer.concat([...said, hello]))
      else if (episode.kind === 'with hello') void ws.peer.send(Buffer.concat([hello, subscribe, ...said]))
      else {
        await ws.peer.send(Buffer.concat([hello, subscribe]))
        const isThere = (): boolean => ws.isClosed || played.outcomes.includes('snapshot')
        await ws.peer.until('a snapshot', isThere, GIVEN_UP_AFTER_MS)
        void ws.peer.send(Buffer.concat(said))
      }
      const from = performance.now()
      const isBroken = episode.kind === 'broken WebSocket'
      const isServed = await (isBroken ? ws.isServed(PATIENCE_MS).catch(() => false) : ws.isServed(GIVEN_UP_AFTER_MS))
      const to = performance.now()
      const tookMs = to - from < ANSWER_WITHIN_MS ? 0 : to - from - this.#lag.lost(from, to, [gateway, ...apis])
      if (tookMs > ANSWER_WITHIN_MS)
        played.problems.push(`${Math.round(tookMs)} ms for an answer to what was said last`)
      this.#judgeEnd(episode, ws, isServed, played)
    } finally {
      ws.cut()
    }
  }

  #judgeEnd(episode: Episode, ws: WsPeer, isServed: boolean, played: Played): void {
    played.problems.push(...ws.violations)
    if (isServed) {
      played.taken = episode.steps.length
      return
    }
    // How much of it was taken before the end is not told: at least what was answered.
    played.taken = Math.min(episode.steps.length, played.outcomes.length + 1)
    const { closeCode } = ws
    const isBroken = episode.kind === 'broken WebSocket'
    if (closeCode !== undefined) {
      played.outcomes.push(`closed ${closeCode}`)
      // Who breaks the protocol may be told so by the codes of that.
      if (!CODES.has(closeCode) && !isBroken)
        played.problems.push(`closed with ${closeCode}, which is no code of the contract`)
      return
    }
    played.outcomes.push(ws.isClosed ? 'cut' : 'waits')
    const mayBeCut = episode.steps.some(
      ({ shape, encoding, text }) => shape !== undefined || encoding === 'latin1' || text.length > CUT_ABOVE_BYTES,
    )
    if (!isBroken && !mayBeCut) played.problems.push('closed without a code')
  }

  #bytesOf({ text, encoding, shape }: Step): Buffer {
    const filled = this.#world.filled(text)
    return wsFrame(encoding === 'utf8' ? filled : Buffer.from(filled, 'latin1'), shape)
  }

  async #request(episode: Episode, played: Played): Promise<void> {
    for (const step of episode.steps) {
      const { request } = step
      if (request === undefined) continue
      // A server may close a kept connection at the very moment something is asked on it.
      const kept = this.#idleAt(this.#addressOf(request.path)).pop()
      const answer = (await this.#ask(step, kept)) ?? (await this.#ask(step))
      const problem = answer === undefined ? 'no answer' : this.#problemOf(answer, request.operation, request.method)
      played.taken += 1
      played.outcomes.push(`${answer?.status ?? 'none'}`)
      if (problem !== undefined) played.problems.push(`${request.method} ${request.path}: ${problem}`)
      if (answer?.status === 401 && answer.body.includes('its being is gone')) await this.#world.renew()
    }
  }

  async #ask({ text, encoding, request }: Step, kept?: HttpPeer): Promise<HttpAnswer | undefined> {
    if (request === undefined || kept?.isClosed === true) return undefined
    const { method, path, hasBody } = request
    const address = this.#addressOf(path)
    const peer = kept ?? (await HttpPeer.open(address))
    const headers = request.headers.map(([name, value]) => [name, this.#world.filled(value)] as const)
    const body = hasBody ? { body: Buffer.from(this.#world.filled(text), encoding) } : {}
    const answer = await peer.ask({ method, path, headers, ...body }, GIVEN_UP_AFTER_MS)
    if (answer?.headers.get('connection') === 'close') peer.cut()
    else if (!peer.isClosed) this.#idleAt(address).push(peer)
    return answer
  }

  #addressOf(path: string): string {
    const [api] = this.#cluster.apis
    return api === undefined ? '' : addressOf(api, path)
  }

  #idleAt(address: string): HttpPeer[] {
    const idle = this.#idle.get(address) ?? []
    this.#idle.set(address, idle)
    return idle
  }

  #problemOf(answer: HttpAnswer, operation: string, method: string): string | undefined {
    if (answer.status === 503) return `answered 503: ${answer.body.slice(0, 200)}`
    // It has no body that could be looked at.
    if (method === 'HEAD' && answer.status < 500) return undefined
    const problem = problemOfAnswer(answer)
    if (problem !== undefined || answer.status >= 300 || !operation.startsWith(`${method} `)) return problem
    if (answer.status === NO_CONTENT) return answer.body === '' ? undefined : 'a 204 with a body'
    const schema = this.#answers.get(`${operation} ${answer.status}`)
    if (schema === undefined) return `${operation} answers ${answer.status}, which it does not describe`
    try {
      const { error } = schema.safeParse(JSON.parse(answer.body))
      return error === undefined
        ? undefined
        : `an answer that its schema does not know: ${error.issues[0]?.message} at ${error.issues[0]?.path.join('.')}`
    } catch {
      return `an answer that is no JSON: ${answer.body.slice(0, 100)}`
    }
  }
}

function outcomeOf(frame: ServerFrame, played: Played): string {
  if (frame.type !== 'error') return frame.type
  if (!isFrameError(frame.code)) played.problems.push(`an error of the unknown code ${frame.code}`)
  return `error ${frame.code}`
}
