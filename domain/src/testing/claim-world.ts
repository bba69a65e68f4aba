/**
 * A public space with a bot in it, the person who asked it, its owner and the owner of the space: one mutation at a
 * time, as the api would apply it.
 */
import type { Being, BeingId, Intention, Mutation, MutationResult, Role } from '@rhizom/protocol'
import { applyBatch } from '../apply-batch.ts'
import { expireLeases } from '../expire-leases.ts'
import type { LoggedChange } from '../world-op.ts'
import { emptyWorld, unplaced, type World } from '../world.ts'

const epoch = '0193b2a0-0000-7000-8000-000000000001'
const uuid = (kind: number, number: number): string =>
  `0193b2a0-000${kind}-7000-8000-${String(number).padStart(12, '0')}`

export type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id' | 'space'> : never) : never

export class ClaimWorld {
  readonly world: World = emptyWorld()
  readonly changes: LoggedChange[] = []
  now = 1000
  #ids = 0

  constructor(beings: Readonly<Record<BeingId, Partial<Being>>> = {}, members: Readonly<Record<BeingId, Role>> = {}) {
    this.world.spaces.set('@room', { id: '@room', name: 'Room', visibility: 'public', epoch, version: 7, createdAt: 1 })
    const everybody = {
      '@root': {},
      '@ada': {},
      '@eve': {},
      '@owner': {},
      '@bot': { type: 'bot', owner: '@owner' },
      ...beings,
    } as const
    for (const [id, more] of Object.entries<Partial<Being>>(everybody)) this.world.beings.set(id, being(id, more))
    for (const [id, role] of Object.entries({ '@root': 'owner', ...members } as const))
      this.world.members.set('@room', id, role)
  }

  newId(): string {
    return uuid(1, ++this.#ids)
  }

  ask(actor: BeingId, wanted: Wanted): MutationResult {
    const mutation: Mutation = { id: uuid(2, ++this.#ids), space: '@room', ...wanted }
    const requested = [{ actor, mutation, epoch, newReplyId: () => this.newId() }]
    const { results, changes } = applyBatch(this.world, requested, this.now, { maxContentBytes: 1000 })
    this.changes.push(...changes)
    const [result] = results
    if (result === undefined) throw new Error('no result')
    return result
  }

  /** `applied`, or why not. */
  verdict(actor: BeingId, wanted: Wanted): string {
    const { status, error } = this.ask(actor, wanted)
    return error?.code ?? status
  }

  /** Says something; gives the replies it woke. */
  say(actor: BeingId, text: string): Intention[] {
    const id = this.newId()
    const before = new Set(this.world.intentions.keys())
    this.ask(actor, { name: 'intention.create', args: { id, type: 'utterance', content: [text] } })
    return this.all().filter((one) => !before.has(one.id) && one.id !== id)
  }

  all(): Intention[] {
    return [...this.world.intentions.values()].map((placed) => unplaced(placed))
  }

  get(id: string): Intention {
    const intention = unplaced(this.world.intentions.get(id))
    if (intention === undefined) throw new Error(`no ${id}`)
    return intention
  }

  /** A reply of `@bot` that `@ada` asked for. */
  asked(): string {
    const [reply] = this.say('@ada', 'well, @bot?')
    if (reply === undefined) throw new Error('nobody was woken')
    return reply.id
  }

  /** As one of several copies claims: only if nobody holds it. */
  claim(id: string, actor = '@bot', leaseMs = 100): number {
    const { version, error } = this.ask(actor, { name: 'intention.claim', args: { id, leaseMs, fence: 0 } })
    if (version === undefined) throw new Error(error?.message ?? 'no version')
    return version
  }

  /** As the leader does now and then. */
  expire(maxAttempts = 3): void {
    const newId = (): string => uuid(3, ++this.#ids)
    this.changes.push(...expireLeases(this.world, '@room', { at: this.now, maxAttempts, newId }))
  }
}

const being = (id: BeingId, more: Partial<Being>): Being => ({
  id,
  type: 'guest',
  name: id,
  owner: null,
  location: '@room',
  metadata: {},
  properties: {},
  content: [],
  rev: 0,
  createdAt: 1,
  modifiedAt: 1,
  lastSeenAt: null,
  ...more,
})
