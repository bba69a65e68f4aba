/**
 * How much of a node its requests hold: places, one for each request under way, and the bytes of their bodies. Both are
 * bounded for all together and for each address and actor, and given back when the request is over. Bytes count from
 * the moment they come; a place is taken when the body is there, so that a body which never ends takes none.
 *
 * Whoever is beyond its own share is told to slow down (429), whoever meets the bound of all to come back (503), in
 * both cases before the request costs anything. Gateways have no share: many clients wait for each of their reads.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { networkOf } from '@rhizom/process'
import type { Config } from '../config.ts'
import type { Metrics } from '../observe.ts'
import { ProblemError } from './problem-reply.ts'
import { type Bounds, type Holder, type Reached, Shares } from './shares.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null for probes, which are always answered. */
    holding: Holding | null
  }
}

interface Holding {
  holder: Holder | undefined
  places: number
  bytes: number
  isOver: boolean
}

const RETRY_AFTER_MS = 1000
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

export class UnderWay {
  readonly #places: Shares
  readonly #bodyBytes: Shares
  readonly #metrics: Metrics

  constructor(config: Config, metrics: Metrics) {
    const places = boundsOf(config.MAX_CONCURRENT_REQUESTS, config)
    const bytes = boundsOf(config.MAX_BYTES_OF_BODIES, config)
    this.#places = new Shares(places)
    // One body must fit, however small the share.
    const least = config.MAX_BODY_BYTES
    this.#bodyBytes = new Shares({
      all: Math.max(bytes.all, least),
      perAddress: Math.max(bytes.perAddress, least),
      perActor: Math.max(bytes.perActor, least),
    })
    this.#metrics = metrics
  }

  get requests(): number {
    return this.#places.held
  }

  get bodyBytes(): number {
    return this.#bodyBytes.held
  }

  /** To be called before anything else is done for a request. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    if (PROBES.has(request.routeOptions.url ?? '')) return
    const holding: Holding = { holder: undefined, places: 0, bytes: 0, isOver: false }
    request.holding = holding
    reply.raw.once('close', () => {
      holding.isOver = true
      const { holder, places, bytes } = holding
      if (holder === undefined) return
      this.#places.give(holder, places)
      this.#bodyBytes.give(holder, bytes)
    })
  }

  /** Takes the place of a request, once, when its body is there and its actor is known. */
  takePlace(request: FastifyRequest): void {
    const { holding } = request
    if (holding === null || holding.isOver || holding.places > 0) return
    this.#refuse('requests', this.#places.take((holding.holder ??= holderOf(request)), 1))
    holding.places = 1
  }

  /** Bytes of the body of a request, as they come. */
  holdBytes(request: FastifyRequest, bytes: number): void {
    const { holding } = request
    if (holding === null || holding.isOver) return
    this.#refuse('body-bytes', this.#bodyBytes.take((holding.holder ??= holderOf(request)), bytes))
    holding.bytes += bytes
  }

  #refuse(what: 'requests' | 'body-bytes', reached: Reached | undefined): void {
    if (reached === undefined) return
    this.#metrics.turnedAway.inc({ what, whose: reached })
    switch (reached) {
      case 'all':
        throw new ProblemError('unavailable', 'too many requests are under way', { retryAfterMs: RETRY_AFTER_MS })
      case 'address':
      case 'actor':
        throw new ProblemError('rate-limited', `too many requests of one ${reached} are under way`, {
          retryAfterMs: RETRY_AFTER_MS,
        })
      default:
        reached satisfies never
    }
  }
}

const boundsOf = (all: number, { ADDRESS_SHARE_PERCENT, ACTOR_SHARE_PERCENT }: Config): Bounds => ({
  all,
  perAddress: shareOf(all, ADDRESS_SHARE_PERCENT),
  perActor: shareOf(all, ACTOR_SHARE_PERCENT),
})

/** One at least. */
export const shareOf = (all: number, percent: number): number => Math.max(1, Math.floor((all * percent) / 100))

function holderOf(request: FastifyRequest): Holder {
  if (isOfGateway(request)) return { address: undefined, actor: undefined }
  return { address: networkOf(request.ip), actor: request.session?.being }
}

/** Whether a gateway asks; its token was looked at before the body was received. */
export const isOfGateway = (request: FastifyRequest): boolean =>
  request.routeOptions.url?.startsWith('/internal/') === true
