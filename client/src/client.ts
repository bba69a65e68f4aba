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
  type MutationName,
  presenceStateCheck,
  type SpaceId,
} from '@rhizom/protocol'
import type { LeftOut } from './core/incoming.ts'
import { initialSpace, type SpaceState } from './core/space-state.ts'
import { dated, type SyncStatus, syncStatusOf } from './core/sync-status.ts'
import { type TransportName, TRANSPORTS } from './core/transport.ts'
import { browserEnvironment, type Environment } from './runtime/environment.ts'
import { createHttp, type Http } from './runtime/http.ts'
import { pageOrigin } from './runtime/page-origin.ts'
import type { Session } from './runtime/storage.ts'
import { transportsOf } from './runtime/transports.ts'
import { createBeingLookUp } from './sync/being-look-up.ts'
import { createConnector } from './sync/connector.ts'
import { createLeftOutAccount } from './sync/left-out.ts'
import { callSafely, createListeners } from './sync/listeners.ts'
import { type MutationArgs, type MutationSpace, prepareMutation } from './sync/mutation.ts'
import { createMutationQueue, type MutationOutcome, type PendingMutation } from './sync/mutation-queue.ts'
import { checkBeforeSending, type SendResult } from './sync/send-result.ts'
import { createSessionKeeper, type Renewal } from './sync/session-keeper.ts'
import { createSignals, type Signal } from './sync/signals.ts'
import { createSpaceSync, type WatchOptions } from './sync/space-sync.ts'
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
  /** A token was renewed: keep it for the next start. */
  onSessionRenewed?: (session: Session) => void
}

export interface RhizomClient<S extends SpaceStore = SpaceStore> {
  readonly store: S
  readonly http: Http
  session(): Session
  /** Opens the connection and keeps it open, come what may, until `disconnect`. */
  connect(): void
  disconnect(): void
  /** Ends this client for good: disconnects, forgets what was watched, hands back what is unanswered. */
  close(): void

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
  mutate<N extends MutationName>(name: N, space: MutationSpace<N>, args: MutationArgs<N>): Promise<MutationOutcome>
  /** What was asked for and is not answered yet, oldest first. */
  pendingMutations(): readonly PendingMutation[]
  onPendingMutations(listener: () => void): () => void
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

  syncStatus(): SyncStatus
  onSyncStatus(listener: () => void): () => void
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
  const { store = memoryStore() } = options
  const baseUrl = (): string => options.baseUrl ?? pageOrigin()
  const environment = options.environment ?? browserEnvironment()
  const apiUrl = options.apiUrl ?? baseUrl()
  const syncUrl = options.syncUrl ?? `${baseUrl().replace(/^http/, 'ws')}/v1/sync`
  const transports = transportsOf(options.transports ?? TRANSPORTS, { environment, syncUrl, apiUrl })
  const statusListeners = createListeners<void>(environment, 'a listener to the status')
  const appliedListeners = createListeners<Mutation>(environment, 'a listener to applied mutations')
  let stopDevice: (() => void) | undefined

  const token = (): string => keeper.session().token
  const leftOut = createLeftOutAccount(environment)
  const http = createHttp({ environment, apiUrl }, { token, noteLeftOut: leftOut.note })
  const keeper = createSessionKeeper({
    environment,
    session: options.session,
    refresh: () => http.refreshSession(),
    onRenewal,
  })
  const connector = createConnector({ environment, transports, token, noteLeftOut: leftOut.note })
  const spaces = createSpaceSync({
    environment,
    store,
    http,
    being: options.session.being.id,
    isLive: connector.isOpen,
    send: connector.send,
  })
  const signals = createSignals({
    environment,
    isWatched: spaces.isWatched,
    isCurrent: spaces.isCurrent,
    send: connector.send,
  })
  const queue = createMutationQueue({
    environment,
    http,
    renewToken: keeper.renew,
    onApplied: appliedListeners.notify,
  })
  connector.listen({
    renewToken: () => void keeper.renew(),
    onLive() {
      spaces.wentLive()
      queue.hurry()
    },
    onMove: spaces.move,
    isAnswered: spaces.isAnswered,
    onDown() {
      spaces.wentDown()
      signals.wentDown()
    },
    onFrames(frames) {
      spaces.receive(frames)
      signals.receive(frames)
    },
    onState: changedStatus,
  })
  const lookUpBeing = createBeingLookUp(environment, http)
  /** By the clock of the machine, since by the date it would be another whenever that is set. */
  let machineStatus = syncStatusOf(connector.state(), connector.transport(), environment.isOnline())
  let status = machineStatus

  function onRenewal(renewal: Renewal, session: Session): void {
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

  function changedStatus(): void {
    const next = syncStatusOf(connector.state(), connector.transport(), environment.isOnline())
    // Heartbeats alter the machine's state but not what a person is told.
    if (JSON.stringify(next) === JSON.stringify(machineStatus)) return
    machineStatus = next
    status = dated(next, { nowMs: environment.nowMs(), dateMs: environment.dateMs() })
    statusListeners.notify()
  }

  function disconnect(): void {
    stopDevice?.()
    stopDevice = undefined
    keeper.stop()
    connector.dispatch({ type: 'disconnectRequested' })
  }

  return {
    store,
    http,
    session: keeper.session,
    connect() {
      stopDevice ??= environment.onDevice((event) => {
        if (event !== 'networkLost') keeper.wake()
        connector.dispatch({ type: event })
        changedStatus()
      })
      keeper.start()
      connector.dispatch({ type: 'connectRequested' })
    },
    disconnect,
    close() {
      disconnect()
      spaces.stop()
      signals.wentDown()
      queue.stop()
    },
    watchSpace: spaces.watch,
    readSpace: (id) => store.read(id) ?? initialSpace(id),
    retrySpace: (id) => spaces.dispatch(id, { type: 'retryRequested' }),
    loadOlder: (id) => spaces.dispatch(id, { type: 'olderRequested' }),
    async mutate(name, space, args) {
      const prepared = prepareMutation(name, space, args)
      return prepared.ok ? queue.add(prepared.mutation) : prepared.outcome
    },
    pendingMutations: queue.pending,
    onPendingMutations: queue.onPending,
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
    syncStatus: () => status,
    onSyncStatus: statusListeners.add,
    retry() {
      connector.dispatch({ type: 'retryRequested' })
      queue.hurry()
    },
    lookUpBeing,
    leftOut: leftOut.counts,
    onLeftOut: leftOut.onCounts,
  }
}
