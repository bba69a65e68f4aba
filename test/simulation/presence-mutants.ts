/** Deliberate faults in who is here, as `mutants.ts` has them for what is said. */
import type { Mutant } from './mutants.ts'

export const PRESENCE_MUTANTS: readonly Mutant[] = [
  // Connections and their beings.
  {
    name: 'no grace for those who went',
    file: 'gateway/src/core/presence/local.ts',
    find: 'if (nowMs + this.#graceMs > at.nowMs) return',
    put: 'if (nowMs > at.nowMs) return',
  },
  {
    name: 'the first tab to go takes its being along',
    file: 'gateway/src/core/presence/local.ts',
    find: 'if (connections !== undefined && connections.size > 0) return this',
    put: 'if (connections !== undefined && connections.size < 0) return this',
  },
  {
    name: 'keep the state of a tab that is gone',
    file: 'gateway/src/core/presence/local.ts',
    find: 'if (connections !== undefined && connections.size > 0) return this.#refresh(being)',
    put: 'if (connections !== undefined && connections.size > 0) return',
    known: 5,
  },
  {
    name: 'whoever changes the gateway came just now',
    file: 'gateway/src/core/presence/local.ts',
    find: 'const since = Math.min(dateMs, this.#merged.get(being)?.since ?? dateMs)',
    put: 'const since = dateMs',
    known: 8,
  },
  {
    name: 'do not wait for those who are asked to stay away',
    file: 'gateway/src/core/presence/local.ts',
    find: 'this.#graceMs += ms',
    put: 'this.#graceMs += 0 * ms',
    known: 44,
  },
  {
    name: 'a state that is older than another wins',
    file: 'gateway/src/core/presence/local.ts',
    find: 'one.setAt >= latest.setAt',
    put: 'one.setAt <= latest.setAt',
    known: 7,
  },
  {
    name: 'let a grace end by the date',
    file: 'gateway/src/core/presence/local.ts',
    find: 'if (nowMs + this.#graceMs > at.nowMs) return',
    put: 'if (nowMs + this.#graceMs > at.dateMs) return',
  },

  // Leases.
  {
    name: 'send heartbeats by the date',
    file: 'gateway/src/core/presence/lease.ts',
    find: 'function heartbeatIfDue(state: LeaseState, { nowMs, dateMs }: Moment,',
    put: 'function heartbeatIfDue(state: LeaseState, { dateMs: nowMs, dateMs }: Moment,',
    known: 2,
  },
  {
    name: 'do not say again what was lost with the lease',
    file: 'gateway/src/core/presence/local.ts',
    find: 'for (const being of this.storedBeings()) this.#unwritten.add(being)',
    put: '',
    known: 143,
  },
  {
    name: 'never find out that a lease is gone',
    file: 'gateway/src/core/presence/lease.ts',
    find: `if (boots.length > 0 && trustOf(next, nowMs) === 'leases') effects`,
    put: `if (boots.length < 0 && trustOf(next, nowMs) === 'leases') effects`,
    known: 2,
  },
  {
    name: 'give up at once whose lease may have been lost with ours',
    file: 'gateway/src/core/presence/lease.ts',
    find: 'const isDoubtful = isNew && identity.previousBootIds.length > 0',
    put: 'const isDoubtful = isNew && identity.previousBootIds.length < 0',
    known: 'Redis loses everything and one gateway notices before the others',
  },
  {
    name: 'come back under a name that may be given up',
    file: 'gateway/src/core/presence/lease.ts',
    find: '{ bootId: nextBootId, previousBootIds: [bootId, ...previousBootIds].slice(0, MAX_PREVIOUS) }',
    put: 'nextBootId === bootId ? { bootId, previousBootIds: [bootId].slice(0, MAX_PREVIOUS) } : { bootId, previousBootIds }',
    known: 'Redis loses everything and one gateway notices before the others',
  },
  {
    name: 'leave what dead gateways kept where nobody watches',
    file: 'gateway/src/presence/orphan-cleaner.ts',
    find: 'await store.removeEntries(space, boot, orphans)',
    put: '',
    known: 'somebody who was here through a gateway whose lease ran out, in a space that is gone',
  },
  {
    name: 'forget a dead gateway before it is cleared up after',
    file: 'gateway/src/presence/orphan-cleaner.ts',
    find: 'if (spaces.length === 0) break',
    put: 'if (spaces.length >= 0) break',
    known: 'somebody who was here through a gateway whose lease ran out, in a space that is gone',
  },

  // Hints and reads.
  {
    name: 'do not notice that a hint is missing',
    file: 'gateway/src/core/presence/remote.ts',
    find: `if (put === undefined || placement === 'gap') this`,
    put: 'if (put === undefined) this',
    known: 244,
  },
  {
    name: 'do not say in heartbeats what was written',
    file: 'gateway/src/presence/heartbeat.ts',
    find: 'if (this.#heads.size === 0) return undefined',
    put: 'if (this.#heads.size >= 0) return undefined',
    known: 'the last hint of all is lost',
  },
  {
    name: 'forget the hints that come while the hash is read',
    file: 'gateway/src/core/presence/remote.ts',
    find: 'for (const hint of received) this.#apply(hint)',
    put: '',
    known: 244,
  },
  {
    name: 'take every write for all there is',
    file: 'gateway/src/core/presence/local.ts',
    find: 'const from = this.#lastWrite',
    put: 'const from = 0 * this.#lastWrite',
    known: 4,
  },
  {
    name: 'believe a promoted replica about those whom nobody watches',
    file: 'gateway/src/presence/hub.ts',
    find: 'if (this.#isStopped || boot !== this.#heartbeat.identity.bootId) return',
    put: `if (boot !== '') return`,
    known: 'somebody whom a promoted replica remembers in a space that nobody watches',
  },

  // What clients are told.
  {
    name: 'do not say that who is here cannot be known',
    file: 'gateway/src/core/presence/roster.ts',
    find: 'this.#send(unchanged(followers.listing.count), true)',
    put: '',
    known: 2,
  },
  {
    name: 'tell a state as a leave and a join',
    file: 'gateway/src/core/presence/listing.ts',
    find: 'updated.push(hereOf(now))',
    put: '{\n        left.push(being)\n        this.#listed.delete(being)\n      }',
  },
  {
    name: 'never fill a sample up again',
    file: 'gateway/src/core/presence/listing.ts',
    find: 'if (this.#listed.size >= this.#limit) break',
    put: 'if (this.#listed.size >= 0) break',
  },
  {
    name: 'forget on a page who left',
    file: 'client/src/core/presence-state.ts',
    find: 'const left = frame.left.filter((being) => entries.delete(being))',
    put: 'const left = frame.left.filter((being) => entries.has(being))',
    known: 3,
  },
  {
    name: 'do not say one’s state again after a reconnect',
    file: 'client/src/core/space.ts',
    find: 'if (value === undefined) return taken',
    put: `if (value === undefined || own.state.status === 'sent') return taken`,
  },
  {
    name: 'never let go of a roster',
    file: 'gateway/src/presence/hub.ts',
    find: 'if (roster.isIdle && this',
    put: `if (roster.isIdle && roster.space === '' && this`,
  },

  // Signals.
  {
    name: 'send every signal at once',
    file: 'gateway/src/space/space-channel.ts',
    find: 'windowMs: deps.signalWindowMs,',
    put: 'windowMs: 0,',
    known: 'two tabs wave at once',
  },
  {
    name: 'keep the first of many signals',
    file: 'machine/src/window.ts',
    find: 'this.#items.set(name, item)',
    put: 'if (!this.#items.has(name)) this.#items.set(name, item)',
    known: 161,
  },
]
