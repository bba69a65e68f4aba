/**
 * A page as it runs in a browser: the whole client, as an app makes it, over an environment of virtual time, simulated
 * network and the shared things of its browser. What it shows, tells and asks for is looked at as it does so.
 */
import type { BeingId, Mutation, MutationId, SpaceId } from '@rhizom/protocol'
import { createClient, type RhizomClient } from '../../client/src/client.ts'
import type { SpaceContent } from '../../client/src/core/space-content.ts'
import type { SpaceState } from '../../client/src/core/space-state.ts'
import type { DeviceEvent, Environment, PageEvent } from '../../client/src/runtime/environment.ts'
import { memoryStorage } from '../../client/src/runtime/storage.ts'
// Loaded before they are needed: loading takes time that is none of the world's.
import '../../client/src/runtime/event-stream.ts'
import '../../client/src/runtime/polling.ts'
import '../../client/src/sync/kept-device.ts'
import type { ClientSocket, SocketHandlers } from '../../client/src/runtime/websocket.ts'
import { memoryStore, type SpaceStore } from '../../client/src/sync/store.ts'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import { someBeing } from './client-node.ts'
import { Gate } from './gate.ts'
import type { NetworkClient } from './network.ts'
import type { Oracle } from './oracle.ts'
import { API_URL, SYNC_URL } from './page-api.ts'
import type { BrowserModel } from './page-browser.ts'
import type { PageLedger } from './page-ledger.ts'
import { PageView } from './page-view.ts'
import type { WritingKind } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface PagePorts {
  time: VirtualTime
  chance: Chance
  api: ApiModel
  oracle: Oracle
  ledger: PageLedger
  browser: BrowserModel
  connect(page: PageNode, handlers: SocketHandlers): ClientSocket
  fetch(page: PageNode, url: string, init: RequestInit): Promise<Response>
  note(what: string): void
  met(what: string): void
}

/** A store that takes longer holds nobody up. */
const FOUND_WITHIN_MS = 900
/** What is to be removed from the store is gathered for a moment. */
const REMOVED_WITHIN_MS = 1_000
const FAULTS = /step of|listener|loss of|what takes|what is told|could not be made|not understood/

export class PageNode implements NetworkClient {
  readonly name: string
  readonly being: BeingId
  readonly gate: Gate
  readonly browser: BrowserModel
  readonly #ports: PagePorts
  readonly #client: RhizomClient
  readonly #openedAt: number
  readonly #view: PageView
  readonly #watches = new Map<SpaceId, () => void>()
  readonly #said = new Map<SpaceId, string[]>()
  readonly #onDevice = new Set<(event: DeviceEvent) => void>()
  readonly #onPage = new Set<(event: PageEvent) => void>()
  /** What its store gave it, of spaces that it has not asked a gateway for. */
  readonly #found = new Map<SpaceId, SpaceContent>()

  constructor(name: string, being: BeingId, ports: PagePorts) {
    this.name = name
    this.being = being
    this.#ports = ports
    this.browser = ports.browser
    this.gate = new Gate(ports.time, { settles: true })
    this.#view = new PageView(name, being, ports)
    this.#openedAt = ports.time.elapsed
    ports.time.touchPromises()
    const { token, expiresAt } = ports.api.issueToken(being)
    this.#client = createClient({
      session: { token, expiresAt, being: someBeing(being, null) },
      store: this.#watchedStore(),
      environment: this.#environment(),
      apiUrl: API_URL,
      syncUrl: SYNC_URL,
    })
    this.#client.onSyncStatus(() => this.#statusChanged())
    this.#client.onKeeping(() => this.#keepingChanged())
    this.#client.connect()
  }

  get status(): string {
    return this.#client.syncStatus().status
  }

  get transport(): string {
    const status = this.#client.syncStatus()
    return 'transport' in status ? status.transport : status.status
  }

  get isKept(): boolean {
    return this.#client.keeping().status === 'kept'
  }

  get pending(): MutationId[] {
    return this.#client.pendingMutations().map(({ mutation }) => mutation.id)
  }

  watched(): SpaceId[] {
    return [...this.#watches.keys()]
  }

  state(space: SpaceId): SpaceState {
    return this.#client.readSpace(space)
  }

  watch(space: SpaceId): void {
    if (!this.#watches.has(space)) this.#watches.set(space, this.#client.watchSpace(space, { present: false }))
  }

  write(space: SpaceId, kind: WritingKind, keepRefused: boolean): void {
    const { chance, ledger } = this.#ports
    if (kind === 'cancel') return this.#cancel()
    const id = chance.uuid()
    const text = ledger.nextText()
    const grown = kind === 'append' ? chance.pick(this.#said.get(space) ?? []) : undefined
    const told = (page: string) => (outcome: Parameters<PageLedger['told']>[1]) => ledger.told(page, outcome)
    if (grown === undefined) {
      const args = { id: chance.uuid(), type: 'utterance', content: [text] } as const
      this.#said.set(space, [...(this.#said.get(space) ?? []), args.id])
      this.#asks(space, { id, space, name: 'intention.create', args: { ...args, content: [...args.content] } }, text)
      this.#view.said(space, args.id, id)
      const asked = this.#client.mutate('intention.create', space, { ...args, content: [text] }, { id, keepRefused })
      void asked.then(told(this.name))
    } else {
      const args = { id: grown, text }
      this.#asks(space, { id, space, name: 'intention.append', args }, text)
      this.#view.appended(space, text)
      void this.#client.mutate('intention.append', space, args, { id, keepRefused }).then(told(this.name))
    }
  }

  device(event: DeviceEvent): void {
    for (const listener of this.#onDevice) listener(event)
  }

  happen(event: PageEvent): void {
    for (const listener of this.#onPage) listener(event)
  }

  /** What a person does who sees that something is wrong. */
  retry(): void {
    this.#client.retry()
    for (const space of this.watched())
      if (this.state(space).subscription.status === 'closed') this.#client.retrySpace(space)
  }

  /** It is killed: nothing more comes from it, and nothing reaches it. */
  end(): void {
    this.gate.kill()
    this.browser.left(this.gate)
    this.#ports.ledger.hadNoTime(this.name, this.browser.hasSuffered ? Infinity : REMOVED_WITHIN_MS)
  }

  /** Its store gave it this. */
  found(space: SpaceId, content: SpaceContent): void {
    const isInTime = this.#ports.time.elapsed - this.#openedAt < FOUND_WITHIN_MS
    if (isInTime && this.#watches.has(space) && !this.#view.hasShown(space)) this.#found.set(space, content)
  }

  #asks(space: SpaceId, mutation: Mutation, text: string): void {
    this.#ports.note(`${this.name} writes ${text} in ${space}`)
    this.#ports.ledger.ask(this.name, space, mutation, text)
  }

  #cancel(): void {
    const { chance, ledger, note } = this.#ports
    const id = chance.pick(this.pending)
    if (id === undefined) return
    ledger.cancelled(id)
    note(`${this.name} cancels ${ledger.asked.get(id)?.text}: ${this.#client.cancel(id)}`)
  }

  #statusChanged(): void {
    const { note, met, oracle } = this.#ports
    note(`${this.name} is ${this.status} by ${this.transport}`)
    met(`page ${this.status}`)
    if (this.status === 'live') met(`page by ${this.transport}`)
    if (this.status === 'error') oracle.fail('S7', `${this.name} has given up`)
  }

  #keepingChanged(): void {
    const keeping = this.#client.keeping()
    this.#ports.note(`${this.name}: what it writes is ${keeping.status}`)
    this.#ports.met(`page ${keeping.status}`)
    if (keeping.status === 'not-kept') this.#ports.ledger.hadNoTime(this.name, Infinity)
  }

  #watchedStore(): SpaceStore {
    const store = memoryStore()
    return {
      ...store,
      write: (id, state) => {
        store.write(id, state)
        this.#view.shows(id, state)
        const found = this.#found.get(id)
        if (found === undefined || state.content === undefined) return
        this.#found.delete(id)
        this.#ports.met('what was kept was shown')
        const { epoch, version } = state.content.position
        if (epoch !== found.position.epoch || version !== found.position.version)
          this.#ports.oracle.fail(
            'S31',
            `${this.name} found ${id} at ${found.position.version} in its store, and shows ${version} first`,
          )
      },
    }
  }

  /** Whoever finds a space in its store shows that before it asks a gateway, and asks from there. */
  #asksGateway(text: string): void {
    for (const [, space, rest = ''] of text.matchAll(/"type":"subscribe","space":"([^"]+)"([^}]*)/g)) {
      if (space === undefined) continue
      this.#ports.oracle.subscribed(this.name, space)
      if (this.#found.delete(space))
        this.#ports.oracle.fail('S31', `${this.name} asks for ${space} before it shows what its store gave it`)
      if (this.#view.isLost(space) || rest.includes('"after"')) continue
      const held = this.state(space).content?.position.version
      if (held !== undefined && this.#view.firstAsk(space))
        this.#ports.oracle.fail('S31', `${this.name} shows ${space} at ${held}, and asks from the beginning`)
    }
  }

  #environment(): Environment {
    const { time, chance, oracle, browser } = this.#ports
    return {
      nowMs: () => time.elapsed,
      dateMs: time.now,
      random: () => chance.next(),
      after: this.gate.after,
      openSocket: (_url, handlers) => {
        oracle.attempted(this.name)
        const socket = this.#ports.connect(this, handlers)
        return {
          send: (text) => {
            this.#asksGateway(text)
            socket.send(text)
          },
          close: () => socket.close(),
        }
      },
      fetch: (url, init) => this.#ports.fetch(this, url, init),
      takeStreamPlace: () => Promise.resolve(() => undefined),
      storage: memoryStorage(),
      shared: {
        open: () =>
          Promise.resolve({
            vault: browser.door(this.gate),
            openTabs: (_name, { onMessage, onLockLost }) => browser.openTabs(this.gate, onMessage, onLockLost),
          }),
        onPage: (listener) => {
          this.#onPage.add(listener)
          return () => this.#onPage.delete(listener)
        },
      },
      isOnline: () => true,
      onDevice: (listener) => {
        this.#onDevice.add(listener)
        return () => this.#onDevice.delete(listener)
      },
      report: (problem, cause) => {
        const why = cause instanceof Error ? (cause.stack ?? cause.message) : ''
        if (FAULTS.test(problem)) oracle.fail('S7', `${this.name} reports: ${problem}: ${why}`)
      },
    }
  }
}
