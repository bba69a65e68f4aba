/**
 * Where what must outlive a page is kept, as a port: the confirmed content of spaces with its position, and the queue
 * of mutations in its order. `indexed-db-vault.ts` is the one of browsers. Any call may fail at any time, also for
 * good: then the client goes on in memory and says so.
 */
import type { Mutation, MutationId, SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../core/space-content.ts'

export type Fate =
  | { status: 'open' }
  /** Done; kept until the kept content of its space shows it. */
  | { status: 'applied'; version: number }
  /** Turned down; kept until a person has dealt with it. */
  | { status: 'refused'; code: string; message: string; refusedAtMs: number }

export interface KeptMutation {
  /** Its place in the queue, given by the vault. */
  order: number
  mutation: Mutation
  queuedAtMs: number
  isWithdrawn: boolean
  hasArrived: boolean
  fate: Fate
}

export type MutationPatch = Partial<Pick<KeptMutation, 'isWithdrawn' | 'hasArrived' | 'fate'>>

export interface VaultChange {
  spaces: ReadonlyMap<SpaceId, SpaceContent | undefined>
  /** By order. What is not there any more stays gone, whoever patches it. */
  patches: ReadonlyMap<number, MutationPatch>
  removed: ReadonlySet<number>
}

export interface KeptSpace {
  content: SpaceContent
  /** Of the mutations that wait: those whose change is in the content. */
  arrived: readonly MutationId[]
}

export interface Vault {
  /** In order. */
  mutations(): Promise<KeptMutation[]>
  spaces(): Promise<SpaceId[]>
  space(id: SpaceId): Promise<KeptSpace | undefined>
  /** Resolves with its order when it is there. */
  add(mutation: Omit<KeptMutation, 'order'>): Promise<number>
  /** All of it or nothing. Content that is older than what is kept of the same history is left out. */
  write(change: VaultChange): Promise<void>
  close(): void
}

export interface VaultDoor {
  /** `onLost` is called once if the browser takes it away later. Rejects if it cannot be opened. */
  open(name: string, onLost: (why: string) => void): Promise<Vault>
  erase(name: string): Promise<void>
}
