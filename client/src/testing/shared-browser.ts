/**
 * What the pages of one person share in one browser, in memory: a store, a channel to all pages, and a lock that goes
 * from a page that ends to the next who asked. Every page has ports of its own, and can be crashed.
 */
import type { PageEvent, SharedPorts } from '../runtime/environment.ts'
import type { OpenTabs, Tabs } from '../runtime/tabs.ts'
import type { VaultDoor } from '../runtime/vault.ts'

export interface BrowserPage {
  shared: SharedPorts
  happen(event: PageEvent): void
  /** It is gone without a word: nothing more comes from it, and its lock is free. */
  crash(): void
  /** It holds what it holds, and hears nothing. */
  freeze(): void
  /** Channels it has open, and whether it has the lock or waits for it. */
  held(): { channels: number; hasLock: boolean; isAsking: boolean }
}

interface Member {
  page: object
  onMessage: (message: unknown) => void
}

interface Asker {
  page: object
  grant: () => void
  lose: () => void
}

export class SharedBrowser {
  readonly #door: VaultDoor
  readonly #members: Member[] = []
  readonly #askers: Asker[] = []
  #holder: Asker | undefined

  constructor(door: VaultDoor) {
    this.#door = door
  }

  /** `refusesLock`: there are locks, and whoever asks for one is told no, as in a frame without rights. */
  page({ hasLocks = true, refusesLock = false }: { hasLocks?: boolean; refusesLock?: boolean } = {}): BrowserPage {
    const page = {}
    const listeners = new Set<(event: PageEvent) => void>()
    let isGone = false
    let isFrozen = false
    const vault: VaultDoor = {
      open: async (name, onLost) => {
        const opened = await this.#door.open(name, onLost)
        if (isGone) throw new Error('the page is gone')
        return opened
      },
      erase: (name) => this.#door.erase(name),
    }
    const openTabs: OpenTabs = (_name, { onMessage, onLockLost, onLockRefused }) => {
      if (!hasLocks || isGone) return undefined
      const tabs = this.#join(page, onMessage, onLockLost)
      if (isFrozen) this.#silence(page)
      return refusesLock ? { ...tabs, request: () => queueMicrotask(onLockRefused) } : tabs
    }
    const shared: SharedPorts = {
      open: () => Promise.resolve({ vault, openTabs }),
      onPage(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    return {
      shared,
      happen: (event) => listeners.forEach((listener) => listener(event)),
      freeze: () => {
        isFrozen = true
        this.#silence(page)
      },
      crash: () => {
        isGone = true
        this.#leave(page)
      },
      held: () => ({
        channels: this.#members.filter((one) => one.page === page).length,
        hasLock: this.#holder?.page === page,
        isAsking: this.#askers.some((one) => one.page === page),
      }),
    }
  }

  #join(page: object, onMessage: (message: unknown) => void, lose: () => void): Tabs {
    this.#members.push({ page, onMessage })
    return {
      request: (grant, { steal } = { steal: false }) => {
        const asker: Asker = { page, grant, lose }
        if (steal) {
          const former = this.#holder
          this.#holder = asker
          queueMicrotask(() => former?.lose())
          queueMicrotask(grant)
          return
        }
        this.#askers.push(asker)
        this.#next()
      },
      post: (message) => {
        if (!this.#members.some((one) => one.page === page)) return
        const copy = structuredClone(message)
        for (const member of this.#members.filter((one) => one.page !== page))
          setTimeout(() => {
            if (this.#members.includes(member)) member.onMessage(structuredClone(copy))
          })
      },
      close: () => this.#leave(page),
    }
  }

  #silence(page: object): void {
    this.#members.splice(0, Infinity, ...this.#members.filter((one) => one.page !== page))
  }

  #leave(page: object): void {
    for (const list of [this.#members, this.#askers])
      for (let index = list.length - 1; index >= 0; index -= 1) if (list[index]?.page === page) list.splice(index, 1)
    if (this.#holder?.page === page) this.#holder = undefined
    this.#next()
  }

  #next(): void {
    if (this.#holder !== undefined) return
    this.#holder = this.#askers.shift()
    const { grant } = this.#holder ?? {}
    if (grant !== undefined) queueMicrotask(grant)
  }
}
