/**
 * One space on this gateway: runs its feed machine (core/feed/feed.ts), carries out its effects on the bus, the log and
 * the sockets, and keeps who follows.
 */
import { type Clock, type Random, Runner, Window } from '@rhizom/machine'
import {
  type BeingId,
  encodeFrame,
  parseSpaceMessage,
  type Position,
  type SignalMessage,
  type SpaceId,
  type UnsubscribedCode,
} from '@rhizom/protocol'
import { mayRead } from '../core/feed/access.ts'
import { feedMachine, openFeed } from '../core/feed/feed.ts'
import { heldBytes, lightened } from '../core/feed/held.ts'
import type { Answer, FeedEffect, FeedEvent, FeedSettings, FeedState, WatcherId } from '../core/feed/state.ts'
import type { SpaceRefusal } from '../core/space-refusal.ts'
import { closeWith, type OpenFrame } from '../core/feed/open-frame.ts'
import { encodeResumed, runFromMessage } from '../core/feed/run.ts'
import { EncodedResumes } from './encoded-resumes.ts'
import { FanOut, type FanOutSettings, joinFrames } from './fan-out.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { Metrics } from '../observe.ts'
import type { Bus, Log, ApiClient, ReadOutcome } from '../ports.ts'
import type { PresenceHub } from '../presence/hub.ts'
import type { RosterHandle } from '../presence/space-presence.ts'
import type { Wall } from '../wall.ts'

/** One subscription of one connection, as a feed sees it. */
export interface Watcher {
  readonly id: WatcherId
  readonly being: BeingId
  /** It is about to be answered: from here on it counts as here, if it wants to. True if it does. */
  joins(): boolean
  /** Takes an answer, after which it follows; false if it cannot now, in which case it asks again by itself. */
  answer(message: Uint8Array): boolean
  live(batch: Uint8Array): void
  refused(refusal: SpaceRefusal): void
  ended(code: UnsubscribedCode): void
}

export interface SpaceChannelDeps {
  clock: Clock
  random: Random
  bus: Bus
  api: ApiClient
  presence: PresenceHub
  metrics: Metrics
  memory: MemoryBudget
  log: Log
  wall: Wall
  settings: FeedSettings
  fanOut: FanOutSettings
  signalWindowMs: number
  checkHead(): void
  closed(): void
}

const encoder = new TextEncoder()
/** Signals of a window; more are let go, as a signal may be lost. */
const MAX_SIGNALS = 1000
/** For one who asks at the very moment a feed closes. */
const CLOSED_RETRY_MS = 1000

export class SpaceChannel {
  readonly space: SpaceId
  readonly #deps: SpaceChannelDeps
  readonly #fanOut: FanOut<Watcher>
  readonly #signals: Window<SignalMessage>
  readonly #roster: RosterHandle
  readonly #waiting = new Map<WatcherId, Watcher>()
  readonly #runner: Runner<FeedState, FeedEvent, FeedEffect>
  readonly #encoded = new EncodedResumes()
  /** As the memory budget knows it. */
  #heldBytes = 0

  constructor(space: SpaceId, deps: SpaceChannelDeps) {
    this.space = space
    this.#deps = deps
    this.#fanOut = new FanOut(deps.clock, deps.fanOut, (frames, followers, bytes) => {
      deps.metrics.batchFrames.observe(frames)
      deps.metrics.framesOut.inc(frames * followers)
      deps.metrics.bytesOut.inc(bytes * followers)
    })
    this.#signals = new Window({
      clock: deps.clock,
      windowMs: deps.signalWindowMs,
      maxItems: MAX_SIGNALS,
      // Of a being's signals under one word only the latest counts; without a word each does.
      keyOf: ({ being, word }) => (word === undefined ? undefined : `${being} ${word}`),
      flush: (signals) => signals.forEach(({ frame }) => this.#fanOut.push(frame)),
    })
    this.#roster = deps.presence.watch(space, (frame) => this.#fanOut.push(frame))
    const { state, effects } = openFeed(space, deps.clock.nowMs())
    this.#runner = new Runner({
      ...deps,
      machine: feedMachine(deps.settings),
      initial: state,
      carryOut: (effect) => this.#carryOut(effect),
      faulted: (error) => deps.wall.report('space', error, { space }),
      changed: (after) => {
        this.#count()
        if (after.status === 'closed') this.#close()
      },
    })
    for (const effect of effects) this.#carryOut(effect)
    if (!deps.bus.isUp()) this.dispatch({ type: 'channelLost' })
  }

  /** The version up to which those who follow were sent everything. */
  get sentVersion(): number | undefined {
    const { state } = this.#runner
    if (state.status !== 'live') return undefined
    return this.#fanOut.isPending ? this.#fanOut.sentVersion : state.position.version
  }

  get parked(): number {
    const { state } = this.#runner
    return state.status === 'closed' ? 0 : state.parked.runs.length
  }

  get status(): FeedState['status'] {
    return this.#runner.state.status
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get isWatched(): boolean {
    return this.#fanOut.size + this.#waiting.size > 0
  }

  /** Lets go of what the log can give again; of how many bytes, at once or as soon as the step under way is done. */
  lighten(): number {
    const { state } = this.#runner
    const before = this.#heldBytes
    this.#forgetEncoded()
    this.dispatch({ type: 'memoryWanted' })
    return before - (state.status === 'closed' ? 0 : heldBytes(lightened(state)))
  }

  subscribe(watcher: Watcher, position: Position | undefined): void {
    if (this.status === 'closed') {
      watcher.refused({ code: 'unavailable', retryAfterMs: CLOSED_RETRY_MS })
      return
    }
    this.#waiting.set(watcher.id, watcher)
    this.dispatch({ type: 'subscribed', watcher: watcher.id, being: watcher.being, position })
  }

  leave(watcher: WatcherId): void {
    this.#waiting.delete(watcher)
    this.#fanOut.leave(watcher)
    this.dispatch({ type: 'watcherLeft', watcher, remaining: this.#fanOut.size + this.#waiting.size })
  }

  message(bytes: Uint8Array): void {
    const parsed = parseSpaceMessage(bytes)
    this.#deps.metrics.messagesIn.inc({ kind: parsed.ok ? parsed.value.kind : 'unreadable' })
    if (!parsed.ok) return
    const message = parsed.value
    if (message.kind === 'signal') {
      this.#signals.push(message)
      return
    }
    if (message.kind === 'presence') {
      this.#roster.hintReceived(message)
      return
    }
    const run = runFromMessage(this.space, message)
    if (run !== undefined) this.dispatch({ type: 'runReceived', run })
    else this.dispatch({ type: 'runUnreadable', position: { epoch: message.epoch, version: message.to } })
  }

  dispatch(event: FeedEvent): void {
    this.#runner.dispatch(event)
  }

  stop(): void {
    this.#runner.stop()
    this.#signals.stop()
    this.#fanOut.stop()
    this.#deps.memory.add('spaces', -this.#heldBytes)
    this.#heldBytes = 0
  }

  #count(): void {
    const bytes = heldBytes(this.#runner.state) + this.#encoded.bytes
    const more = bytes - this.#heldBytes
    this.#heldBytes = bytes
    if (more !== 0) this.#deps.memory.add('spaces', more)
  }

  #forgetEncoded(): void {
    this.#encoded.clear()
    this.#count()
  }

  #close(): void {
    this.stop()
    this.#roster.unwatch()
    this.#deps.closed()
  }

  #carryOut(effect: FeedEffect): void {
    const { bus, metrics } = this.#deps
    switch (effect.type) {
      case 'joinChannel':
        return bus.join(this.space)
      case 'leaveChannel':
        return bus.leave(this.space)
      case 'read':
        metrics.logReads.inc({ reason: effect.request.reason })
        return this.#read(effect)
      case 'checkHead':
        return this.#deps.checkHead()
      case 'answer':
        return this.#answer(effect.watchers, effect.answer)
      case 'refuse':
        return this.#refuse(effect)
      case 'fanOut':
        this.#forgetEncoded()
        this.#fanOut.push(effect.run.frame, effect.run.to)
        return
      case 'revoke':
        return this.#retainOnly((being) => mayRead(effect.readers, being), 'revoked')
      case 'reset':
        this.#forgetEncoded()
        this.#fanOut.flush()
        this.#fanOut.sentUpTo(effect.snapshot.version)
        this.#deliver(
          this.#fanOut.followers(),
          this.#withRoster(effect.snapshot.frame, [], [], effect.replaces ? { reset: true } : {}),
        )
        return
      case 'end':
        this.#forgetEncoded()
        return this.#retainOnly(() => false, 'removed')
      case 'note':
        metrics.feedNotes.inc({ what: effect.what })
        if (effect.what === 'found-behind') bus.rejoin(this.space)
        return
      default:
        effect satisfies never
    }
  }

  #read({ request }: Extract<FeedEffect, { type: 'read' }>): void {
    const { api, log } = this.#deps
    const ended = (outcome: ReadOutcome): void => {
      switch (outcome.type) {
        case 'answered':
          this.dispatch({ type: 'readAnswered', answer: outcome.answer })
          return
        case 'missing':
          this.dispatch({ type: 'spaceMissing' })
          return
        case 'failed':
          log.debug({ space: this.space, problem: outcome.problem }, 'reading the log failed')
          this.#deps.metrics.logReadFailures.inc()
          this.dispatch({ type: 'readFailed', retryAfterMs: outcome.retryAfterMs })
          return
        default:
          outcome satisfies never
      }
    }
    const ready = this.#roster.ready()
    const answered = async (): Promise<ReadOutcome> => {
      const outcome = await api.read(this.space, request)
      // The answer tells who is here as well, which is mostly known sooner. That there is no space is not kept back:
      // meanwhile it would grow old.
      if (outcome.type === 'answered') await ready
      return outcome
    }
    answered().then(
      (outcome) => ended(outcome),
      (error: unknown) => ended({ type: 'failed', problem: String(error), retryAfterMs: undefined }),
    )
  }

  #answer(ids: readonly WatcherId[], answer: Answer): void {
    const watchers = ids.flatMap((id) => this.#waiting.get(id) ?? [])
    for (const { id } of watchers) this.#waiting.delete(id)
    this.#deps.metrics.answers.inc({ kind: answer.kind, source: answer.source }, watchers.length)
    const newcomers = watchers.flatMap((watcher) => (watcher.joins() ? [watcher.being] : []))
    this.#deliver(watchers, this.#encode(answer, newcomers))
  }

  #encode(answer: Answer, newcomers: readonly BeingId[]): Uint8Array {
    if (answer.kind === 'snapshot')
      return this.#withRoster(
        answer.snapshot.frame,
        newcomers,
        answer.tail.map(({ frame }) => frame),
      )
    const resumed = this.#encoded.get(answer.from) ?? encodeResumed(this.space, answer, answer.runs)
    this.#encoded.keep(answer.from, resumed)
    this.#count()
    return this.#withRoster(resumed, newcomers)
  }

  /** An answer with who is here, what follows it, and a word if the roster is not what it is but what it was. */
  #withRoster(
    frame: OpenFrame,
    newcomers: readonly BeingId[],
    tail: readonly Uint8Array[] = [],
    extra: { reset?: true } = {},
  ): Uint8Array {
    const { here, hereCount, frozen } = this.#roster.answerPart(newcomers)
    const answer = closeWith(frame, { ...extra, here, hereCount })
    if (!frozen) return joinFrames([answer, ...tail])
    const word = { type: 'presence', space: this.space, joined: [], left: [], updated: [], hereCount, frozen } as const
    return joinFrames([answer, ...tail, encoder.encode(encodeFrame(word))])
  }

  #deliver(watchers: readonly Watcher[], message: Uint8Array): void {
    const unanswered = watchers.filter((watcher) => {
      const isAnswered = watcher.answer(message)
      if (isAnswered) this.#fanOut.join(watcher)
      return !isAnswered
    })
    // After the others have joined: `leave` tells the feed how many remain.
    for (const { id } of unanswered) this.leave(id)
  }

  #refuse({ watcher: id, refusal }: Extract<FeedEffect, { type: 'refuse' }>): void {
    const watcher = this.#waiting.get(id)
    this.leave(id)
    watcher?.refused(refusal)
  }

  /** All others are told what there was up to now, and are here and follow no more. */
  #retainOnly(mayStay: (being: BeingId) => boolean, code: UnsubscribedCode): void {
    this.#roster.retainOnly(mayStay)
    this.#fanOut.flush()
    for (const watcher of this.#fanOut.followers()) {
      if (mayStay(watcher.being)) continue
      this.leave(watcher.id)
      watcher.ended(code)
    }
  }
}
