/**
 * The client of one session: puts the parts together and gives them one face. It owns nothing itself. The states of
 * spaces are in the store (`sync/space-sync.ts` writes it), the socket is the connector's, the token the keeper's, what
 * is unanswered the queue's.
 */
import {
  type Being,
  type BeingId,
  checkValue,
  type JsonObject,
  LIMITS,
  type Mutation,
  type MutationId,
  type MutationName,
  presenceStateCheck,
  type SpaceId,
} from '@rhizom/protocol'
import type { LeftOut } from './core/incoming.ts'
import { foresee } from './core/pending.ts'
import type { MutationOutcome, PendingMutation, RefusedMutation } from './core/queue-state.ts'
import { initialSpace, type SpaceState } from './core/space-state.ts'
import { type TransportName, TRANSPORTS } from './core/transport.ts'
import { browserEnvironment, type Environment } from './runtime/environment.ts'
import { createHttp, type Http } from './runtime/http.ts'
import { pageOrigin } from './runtime/page-origin.ts'
import type { Session } from './runtime/storage.ts'
import { transportsOf } from './runtime/transport.ts'
import { createBeingLookUp } from './sync/being-look-up.ts'
import { createConnector } from './sync/connector.ts'
import { createLeftOutAccount } from './sync/left-out.ts'
import { createDevice } from './sync/device.ts'
import { type ErrorHook, reportingTo } from './sync/error-hook.ts'
import type { Keeping } from './sync/keeping.ts'
import { callSafely, createListeners } from './sync/listeners.ts'
import { type MutationArgs, type MutationSpace, prepareMutation } from './sync/mutation.ts'
import { type CancelResult, createMutationQueue } from './sync/mutation-queue.ts'
import { mayBeLost } from './sync/may-be-lost.ts'
import { type ClientNews, createNewsPort } from './sync/news-port.ts'
import { checkBeforeSending, type SendResult } from './sync/send-result.ts'
import { createSessionKeeper, type RenewalOutcome, sessionFrom } from './sync/session-keeper.ts'
import { createSignals, type Signal } from './sync/signals.ts'
import { createSpaceSync, type WatchOptions } from './sync/space-sync.ts'
import { type ClientStatus, createStatus } from './sync/status.ts'
import { memoryStore, type SpaceStore } from './sync/store.ts'

export interface ClientOptions {
  /** From `createSession` or `loadSession`. */
  session: Session
  /** Where the states of spaces are kept: memory by default; for the hooks, `createQueryStore` of `client/react`. */
  store?: SpaceStore
  /** Where api and gateway are reached alike, as `https://example.org`; the page's own origin by default. */
  baseUrl?: string
  /** Where they are not: the api's own base and the gateway's full address, as `wss://host/v1/sync`. */
  apiUrl?: string
  syncUrl?: string
  /** The ways to reach a gateway, or the api where none can be, the best first. All of them by default. */
  transports?: readonly TransportName[]
  environment?: Environment
  /**
   * Gets a new token before the present one runs out, and when it was turned down, where an app's own server gives
   * them; by default the api is asked. If it takes over 20 s, rejects or throws it is asked again, ever more rarely.
   */
  renewSession?: () => Promise<Session>
  /** A token was renewed: keep it for the next start. */
  onSessionRenewed?: (session: Session) => unknown
  /** Told what no screen shows and should not happen, in one line, with what was thrown. By default `reportError`. */
  onError?: ErrorHook
}

/** Why a mutation would be rejected: the code of the server and words for a person. */
export interface Foreseen {
  code: string
  message: string
}

export interface MutateOptions {
  /** A rejection stays among `refusedMutations`, over reloads too, until it is dropped. */
  keepRefused?: boolean
  /** The id of the mutation, from `newId`, where it is needed before the outcome: to cancel it. */
  id?: MutationId
}

export interface RhizomClient<S extends SpaceStore = SpaceStore> extends ClientNews, ClientStatus {
  readonly store: S
  readonly http: Http
  session(): Session
  /** Opens the connection and keeps it open, come what may, until `disconnect`. */
  connect(): void
  disconnect(): void
  /**
   * Ends this client for good: disconnects, forgets what was watched, hands back what is unanswered. What is kept on
   * the device stays, and is sent by the next client of the same being.
   */
  close(): void
  /**
   * Closes, and forgets all that is kept of this being on the device, what is unsent included. Resolves when it is
   * gone.
   */
  erase(): Promise<void>
  /**
   * Erases, after asking whether that may be where something is unsent: `mayLose` is told how much. Resolves with
   * whether it was done. Without an answer within five minutes, or with none because it failed, it is not.
   */
  signOut(mayLose: (unsent: number) => boolean | Promise<boolean>): Promise<boolean>

  /** Whether what is written and shown outlives the page, and why not. */
  keeping(): Keeping
  onKeeping(listener: () => void): () => void

  /**
   * Keeps a space in step for as long as someone watches; the result stops. Counted: one subscription a space. Others
   * see oneself as here while at least one of those who watch is `present`, which is the default.
   */
  watchSpace(id: SpaceId, options?: WatchOptions): () => void
  /** The state of a space as the store has it. */
  readSpace(id: SpaceId): SpaceState
  /** Asks again for a space that was refused or does not answer. */
  retrySpace(id: SpaceId): void
  /** Fetches the page of intentions before the oldest held. Progress and failure are in the space's `older`. */
  loadOlder(id: SpaceId): void

  /**
   * Asks for a change. Sent again with the same id until the server answers, so it is applied once or not at all.
   * Resolves, and never rejects, with what became of it. `space` is null for a being that is located nowhere.
   */
  mutate<N extends MutationName>(
    name: N,
    space: MutationSpace<N>,
    args: MutationArgs<N>,
    options?: MutateOptions,
  ): Promise<MutationOutcome>
  /**
   * Why it would be rejected: as malformed or too large, or as far as what is held of its space tells. Undefined if
   * nothing speaks against it.
   */
  foresee<N extends MutationName>(name: N, space: SpaceId, args: MutationArgs<N>): Foreseen | undefined
  /**
   * Takes a mutation back that is not answered yet. What never left is gone at once. What may have left is taken back
   * if the server has not carried it out: that is exact, and the outcome of `mutate` tells: `applied`, or `cancelled`.
   */
  cancel(id: MutationId): CancelResult
  /** What was asked for and is not answered yet, oldest first. */
  pendingMutations(): readonly PendingMutation[]
  /** Told of these and of the refused. */
  onPendingMutations(listener: () => void): () => void
  /** What was rejected and nobody has dealt with: asked for with `keepRefused`, or by a page that is gone. */
  refusedMutations(): readonly RefusedMutation[]
  dropRefused(id: MutationId): void
  /** Calls with each mutation of this client that was applied. */
  onMutationApplied(listener: (mutation: Mutation) => void): () => void

  /**
   * What others see of oneself in a space while being here: away, a cursor, a status line. At most 1 KiB as JSON; it
   * replaces the former, is sent at most five times a second (the latest wins) and told anew after each reconnect.
   */
  setPresence(space: SpaceId, state: JsonObject): SendResult
  /**
   * Says something to those who watch right now: at most 1 KiB, once a second for each name (the latest wins), not
   * stored. Without a connection it is dropped.
   */
  sendSignal(space: SpaceId, name: string, data?: JsonObject): SendResult
  /** Listens to the signals of one name in a space that is watched; the result stops. */
  onSignal(space: SpaceId, name: string, listener: (signal: Signal) => void): () => void
  /** Tells that one is typing. Call it at every key: it is sent about once a second. */
  notifyTyping(space: SpaceId): void
  /** Tells that nothing is being typed any more: all of it was erased, or its writer goes. A message says so itself. */
  stopTyping(space: SpaceId): void

  /** Tries again now: the connection, and mutations that wait. Not sooner than a server asked for. */
  retry(): void

  /** Looks a being up that no watched space brought. Calls within a few milliseconds share a request. */
  lookUpBeing(id: BeingId): Promise<Being | undefined>

  /**
   * What a server newer than this client sent and is not shown, since this client does not know its type, role or
   * state: how often, by sort. A page that wants to say so can; loading it anew may help.
   */
  leftOut(): ReadonlyMap<LeftOut, number>
  onLeftOut(listener: () => void): () => void
}

/** Makes a client. It does nothing until `connect` or the first call. */
export function createClient<S extends SpaceStore>(options: ClientOptions & { store: S }): RhizomClient<S>
export function createClient(options: ClientOptions): RhizomClient
export function createClient(options: ClientOptions): RhizomClient {
  const { store = memoryStore(), renewSession } = options
  const baseUrl = (): string => options.baseUrl ?? pageOrigin()
  const given = options.environment ?? browserEnvironment()
  const environment = options.onError === undefined ? given : reportingTo(given, options.onError)
  const apiUrl = options.apiUrl ?? baseUrl()
  const syncUrl = options.syncUrl ?? `${baseUrl().replace(/^http/, 'ws')}/v1/sync`
  const transports = transportsOf(options.transports ?? TRANSPORTS, { environment, syncUrl, apiUrl })
  const appliedListeners = createListeners<Mutation>(environment, 'a listener to applied mutations')
  let stopDevice: (() => void) | undefined
  let stopPage: (() => void) | undefined

  const token = (): string => sessionKeeper.session().token
  const leftOut = createLeftOutAccount(environment)
  const http = createHttp({ environment, apiUrl }, { token, noteLeftOut: leftOut.note })
  const sessionKeeper = createSessionKeeper({
    environment,
    session: options.session,
    refresh: renewSession === undefined ? http.refreshSession : () => sessionFrom(renewSession),
    onRenewal,
  })
  const connector = createConnector({ environment, transports, token, noteLeftOut: leftOut.note })
  const databaseName = `rhizom ${apiUrl} ${options.session.being.id}`
  const device = createDevice({ environment, name: databaseName })
  const queue = createMutationQueue({
    environment,
    http,
    renewToken: () => sessionKeeper.renew(),
    onApplied: appliedListeners.notify,
    onSpaces: (ids) => {
      for (const id of ids) spaces.pendingChanged(id)
    },
    isShown: (id) => spaces.isWatched(id) || device.keepsSpace(id),
    share: environment.shared && device.share,
  })
  const spaces = createSpaceSync({
    environment,
    store,
    http,
    self: options.session.being,
    queue,
    kept: environment.shared && device,
    onSubscription: () => status.spaceChanged(),
    isLive: connector.isOpen,
    send: connector.send,
  })
  const signals = createSignals({
    environment,
    isWatched: spaces.isWatched,
    isCurrent: spaces.isCurrent,
    send: connector.send,
  })
  const news = createNewsPort({ environment, http, isLive: connector.isOpen, send: connector.send })
  connector.listen({
    renewToken: () => void sessionKeeper.renew(),
    onLive() {
      spaces.wentLive()
      news.wentLive()
      queue.hurry()
    },
    onMove() {
      spaces.move()
      news.wentLive()
    },
    isAnswered: spaces.isAnswered,
    onDown() {
      spaces.wentDown()
      signals.wentDown()
    },
    onFrames(frames) {
      spaces.receive(frames)
      signals.receive(frames)
      news.receive(frames)
      status.receive(frames)
    },
    onState: () => status.changed(),
  })
  const lookUpBeing = createBeingLookUp(environment, http)
  const status = createStatus({ environment, connector, queue, space: (id) => store.read(id) ?? initialSpace(id) })

  function onRenewal(renewal: RenewalOutcome, session: Session): void {
    switch (renewal.status) {
      case 'renewed':
        callSafely(environment, 'onSessionRenewed', () => options.onSessionRenewed?.(session))
        return connector.dispatch({ type: 'tokenRenewed' })
      case 'failed': {
        const { message, retryAfterMs } = renewal
        return connector.dispatch({ type: 'tokenRenewalFailed', message, retryAfterMs })
      }
      case 'refused':
        return connector.dispatch({
          type: renewal.code === 'token-expired' ? 'sessionExpired' : 'tokenRefused',
          message: renewal.message,
        })
      default:
        return renewal satisfies never
    }
  }

  function disconnect(): void {
    stopDevice?.()
    stopDevice = undefined
    sessionKeeper.stop()
    connector.dispatch({ type: 'disconnectRequested' })
  }

  function attend(): void {
    if (stopPage !== undefined || environment.shared === undefined) return
    stopPage = environment.shared.onPage((event) => {
      if (event === 'returned') return device.attend()
      device.flush()
      if (event === 'left') device.leave()
    })
    device.attend()
  }

  function stop(): void {
    disconnect()
    stopPage?.()
    spaces.stop()
    signals.wentDown()
    queue.stop()
    news.stop()
    status.stop()
  }

  function close(): void {
    stop()
    device.close()
  }

  const erase = (): Promise<void> => device.erase(stop)

  async function signOut(mayLose: (unsent: number) => boolean | Promise<boolean>): Promise<boolean> {
    if (!(await mayBeLost(environment, queue.pending().length + queue.refused().length, mayLose))) return false
    void http.endSession()
    return erase().then(() => true)
  }

  return {
    store,
    http,
    session: sessionKeeper.session,
    connect() {
      stopDevice ??= environment.onDevice((event) => {
        if (event !== 'networkLost') sessionKeeper.wake()
        connector.dispatch({ type: event })
        status.changed()
      })
      attend()
      sessionKeeper.start()
      connector.dispatch({ type: 'connectRequested' })
    },
    disconnect,
    close,
    erase,
    signOut,
    keeping: device.state,
    onKeeping: device.onState,
    watchSpace: spaces.watch,
    readSpace: (id) => store.read(id) ?? initialSpace(id),
    retrySpace: (id) => spaces.dispatch(id, { type: 'retryRequested' }),
    loadOlder: (id) => spaces.dispatch(id, { type: 'olderRequested' }),
    async mutate(name, space, args, { keepRefused = false, id } = {}) {
      const prepared = prepareMutation(name, space, args, id)
      return prepared.ok ? queue.add(prepared.mutation, { handsBack: !keepRefused }) : prepared.outcome
    },
    foresee(name, space, args) {
      const view = store.read(space)?.content
      const prepared = prepareMutation<MutationName>(name, space, args)
      if (!prepared.ok) return prepared.outcome.status === 'rejected' ? prepared.outcome : undefined
      if (view === undefined) return undefined
      return foresee(view, prepared.mutation, options.session.being, environment.dateMs())
    },
    cancel: queue.cancel,
    pendingMutations: queue.pending,
    onPendingMutations: queue.onPending,
    refusedMutations: queue.refused,
    dropRefused: queue.dropRefused,
    onMutationApplied: appliedListeners.add,
    setPresence(space, state) {
      const check = () => checkValue(presenceStateCheck, state)
      const result = checkBeforeSending('A state', state, LIMITS.maxStateBytes, check)
      if (result.ok) spaces.setState(space, state)
      return result
    },
    sendSignal: (space, name, data = {}) => signals.send(space, name, data),
    onSignal: signals.listen,
    notifyTyping: signals.notifyTyping,
    stopTyping: signals.stopTyping,
    ...news.ofClient,
    ...status.ofClient,
    retry() {
      connector.dispatch({ type: 'retryRequested' })
      queue.hurry()
    },
    lookUpBeing,
    leftOut: leftOut.counts,
    onLeftOut: leftOut.onCounts,
  }
}
