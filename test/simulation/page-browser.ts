/**
 * One browser on one device, and what its pages share: a store that outlives them, a channel to all of them, and a lock
 * that goes to the next page when its holder ends. The store takes its time, does transactions one after another, and
 * can refuse, fail, hang, be full or be cleared; a device that crashes may lose the last transaction, as stores that do
 * not wait for the disk do.
 */
import type { MutationId, SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../../client/src/core/space-content.ts'
import type { Tabs } from '../../client/src/runtime/tabs.ts'
import type { KeptMutation, KeptSpace, Vault, VaultChange, VaultDoor } from '../../client/src/runtime/vault.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { StorageTrouble } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

type Row = Omit<KeptMutation, 'order'>

interface Rows {
  queue: ReadonlyMap<number, Row>
  spaces: ReadonlyMap<SpaceId, SpaceContent>
  nextOrder: number
}

/** Who looks at what is written. */
export interface BrowserWitness {
  forgotten(row: Row): void
  spaceKept(id: SpaceId, content: SpaceContent): void
  /** What a page was given of a space. */
  spaceRead(gate: Gate, id: SpaceId, content: SpaceContent): void
}

interface Member {
  gate: Gate
  onMessage: (message: unknown) => void
  onLockLost: () => void
  lastAt: number
}

interface Asker {
  member: Member
  onGranted: () => void
}

const EMPTY: Rows = { queue: new Map(), spaces: new Map(), nextOrder: 1 }

class StoreError extends Error {
  constructor(name: string) {
    super('the store of this browser')
    this.name = name
  }
}

export class BrowserModel {
  readonly name: string
  readonly hasLocks: boolean
  #trouble: Exclude<StorageTrouble, 'cleared'> | undefined
  /** What was asked of a store that hangs: it is done in its order when that is over, for whoever still waits. */
  #held: (() => void)[] = []
  #rows: Rows = EMPTY
  /** Before the last transaction. */
  #former: Rows = EMPTY
  #lastDone = 0
  #clears = 0
  #hasSuffered = false
  #holder: Asker | undefined
  #askers: Asker[] = []
  #members: Member[] = []
  readonly #open = new Map<Gate, Set<() => void>>()
  readonly #time: VirtualTime
  readonly #chance: Chance
  readonly #witness: BrowserWitness

  constructor(name: string, hasLocks: boolean, time: VirtualTime, chance: Chance, witness: BrowserWitness) {
    this.name = name
    this.hasLocks = hasLocks
    this.#time = time
    this.#chance = chance
    this.#witness = witness
  }

  /** What waits in the store. */
  get waiting(): MutationId[] {
    return [...this.#rows.queue.values()].flatMap(({ fate, mutation }) => (fate.status === 'open' ? [mutation.id] : []))
  }

  /** Whose page sends. */
  get sender(): Gate | undefined {
    return this.#holder?.member.gate
  }

  /** A page is gone: its lock goes to the next who asked. */
  left(gate: Gate): void {
    this.#open.delete(gate)
    for (const member of this.#members.filter((one) => one.gate === gate)) this.#leave(member)
  }

  get hasSuffered(): boolean {
    return this.#hasSuffered
  }

  suffer(trouble: Exclude<StorageTrouble, 'cleared'>): void {
    this.#hasSuffered = true
    this.recover()
    this.#trouble = trouble
  }

  recover(): void {
    this.#trouble = undefined
    for (const run of this.#held.splice(0)) run()
  }

  /** A person clears what the browser keeps: the pages lose it at once. */
  clear(): void {
    this.#clears += 1
    this.#rows = EMPTY
    this.#former = EMPTY
    const lost = [...this.#open]
    this.#open.clear()
    for (const [gate, listeners] of lost) for (const tell of listeners) gate.enter(tell)
  }

  /** The device is gone without a word, and its last transaction may be. */
  loseLast(): void {
    this.#rows = this.#former
  }

  door(gate: Gate): VaultDoor {
    return {
      open: async (_name, onLost) => {
        const tell = (): void => onLost('The browser closed what is kept here.')
        await this.#transact(gate, () => {
          if (this.#trouble === 'refuses') throw new StoreError('InvalidStateError')
          this.#open.set(gate, (this.#open.get(gate) ?? new Set()).add(tell))
        })
        return this.#vault(gate, tell)
      },
      erase: async () => this.clear(),
    }
  }

  #vault(gate: Gate, tell: () => void): Vault {
    const isOpen = (): boolean => this.#open.get(gate)?.has(tell) === true
    // One that is closed finishes what was begun, unless it was cleared.
    const inside = async <T>(run: () => T): Promise<T> => {
      if (!isOpen()) throw new StoreError('InvalidStateError')
      const clears = this.#clears
      return this.#transact(gate, () => {
        if (clears !== this.#clears) throw new StoreError('AbortError')
        return run()
      })
    }
    return {
      mutations: () => inside(() => [...this.#rows.queue].map(([order, row]) => ({ ...row, order }))),
      spaces: () => inside(() => [...this.#rows.spaces.keys()]),
      space: (id) => inside(() => this.#space(gate, id)),
      add: (row) => inside(() => this.#add(row)),
      write: (change) => inside(() => this.#write(change)),
      close: () => void this.#open.get(gate)?.delete(tell),
    }
  }

  #space(gate: Gate, id: SpaceId): KeptSpace | undefined {
    const content = this.#rows.spaces.get(id)
    if (content === undefined) return undefined
    this.#witness.spaceRead(gate, id, content)
    const arrived = [...this.#rows.queue.values()].filter(({ hasArrived }) => hasArrived)
    return { content, arrived: arrived.map(({ mutation }) => mutation.id) }
  }

  #add(row: Row): number {
    if (this.#trouble === 'full') throw new StoreError('QuotaExceededError')
    const { queue, nextOrder } = this.#rows
    this.#commit({ queue: new Map(queue).set(nextOrder, row), nextOrder: nextOrder + 1 })
    return nextOrder
  }

  #write(change: VaultChange): void {
    const contents = [...change.spaces.values()].filter((content) => content !== undefined)
    if (this.#trouble === 'full' && contents.length > 0) throw new StoreError('QuotaExceededError')
    const queue = new Map(this.#rows.queue)
    const spaces = new Map(this.#rows.spaces)
    for (const order of change.removed) {
      const row = queue.get(order)
      if (queue.delete(order) && row !== undefined) this.#witness.forgotten(row)
    }
    for (const [order, patch] of change.patches) {
      const row = queue.get(order)
      if (row !== undefined) queue.set(order, { ...row, ...patch })
    }
    for (const [id, content] of change.spaces) {
      const former = spaces.get(id)?.position
      if (content === undefined) spaces.delete(id)
      else if (former?.epoch !== content.position.epoch || former.version <= content.position.version) {
        this.#witness.spaceKept(id, content)
        spaces.set(id, content)
      }
    }
    this.#commit({ queue, spaces })
  }

  #commit(next: Partial<Rows>): void {
    this.#former = this.#rows
    this.#rows = { ...this.#rows, ...next }
  }

  /** One after another. Of a page that is gone by then it is done or not. */
  #transact<T>(gate: Gate, work: () => T): Promise<T> {
    this.#lastDone = Math.max(this.#lastDone, this.#time.now() + this.#chance.int(1, 6))
    const waits = this.#lastDone - this.#time.now()
    return new Promise((resolve, reject) => {
      const run = (): void => {
        if (this.#trouble === 'hangs') {
          this.#held.push(run)
          return
        }
        if (gate.isDead && this.#chance.happens(0.5)) return
        try {
          if (this.#trouble === 'fails' && this.#chance.happens(0.5)) throw new StoreError('AbortError')
          const result = work()
          gate.enter(() => resolve(result))
        } catch (error) {
          gate.enter(() => reject(error))
        }
      }
      this.#time.after(waits, run)
    })
  }

  openTabs(gate: Gate, onMessage: (message: unknown) => void, onLockLost: () => void): Tabs | undefined {
    if (!this.hasLocks || gate.isDead) return undefined
    const member: Member = { gate, onMessage, onLockLost, lastAt: 0 }
    this.#members.push(member)
    return {
      request: (onGranted, { steal } = { steal: false }) => {
        if (steal) this.#steal({ member, onGranted })
        else {
          this.#askers.push({ member, onGranted })
          this.#next()
        }
      },
      post: (message) => this.#post(member, message),
      close: () => this.#leave(member),
    }
  }

  #post(from: Member, message: unknown): void {
    if (!this.#members.includes(from)) return
    for (const member of this.#members) {
      if (member === from) continue
      member.lastAt = Math.max(member.lastAt, this.#time.now() + this.#chance.int(1, 8))
      this.#time.after(member.lastAt - this.#time.now(), () => {
        if (this.#members.includes(member)) member.gate.enter(() => member.onMessage(message))
      })
    }
  }

  #steal(asker: Asker): void {
    const former = this.#holder
    this.#holder = asker
    former?.member.gate.enter(former.member.onLockLost)
    this.#grant(asker)
  }

  #next(): void {
    if (this.#holder !== undefined) return
    this.#holder = this.#askers.shift()
    if (this.#holder !== undefined) this.#grant(this.#holder)
  }

  #grant(asker: Asker): void {
    this.#time.after(this.#chance.int(1, 40), () => {
      if (this.#holder === asker) asker.member.gate.enter(asker.onGranted)
    })
  }

  #leave(member: Member): void {
    this.#members = this.#members.filter((one) => one !== member)
    this.#askers = this.#askers.filter((one) => one.member !== member)
    if (this.#holder?.member === member) this.#holder = undefined
    this.#next()
  }
}
