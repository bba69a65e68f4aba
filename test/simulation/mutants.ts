/**
 * Deliberate faults: each a small change to the real source that a tired engineer could make. The simulation has to
 * find every one of them within a bounded number of seeds (mutants.sim.test.ts); one that it does not find is a hole
 * in the simulation. `find` has to occur exactly once in the file, so that a mutant cannot silently become nothing.
 */
export interface Mutant {
  name: string
  file: string
  find: string
  put: string
  /** A seed, or the name of a regression, that is known to find it; without one the first seed does. */
  known?: number | string
  /** Found by the seeds in which people write on pages. */
  isOfPages?: boolean
  /** Found by the seeds in which copies of a bot are asked. */
  isOfBots?: boolean
}

/** A source with the fault in it; throws where it no longer applies, or in more than one place. */
export function mutate(source: string, { file, find, put }: Mutant): string {
  const times = source.split(find).length - 1
  if (times !== 1) throw new Error(`${file} holds ${times} times, not once: ${find}`)
  return source.replace(find, () => put)
}

export const MUTANTS: readonly Mutant[] = [
  // What follows what.
  {
    name: 'skip the gap check',
    file: 'protocol/src/place.ts',
    find: `if (range.from > held.version) return 'gap'`,
    put: '',
  },
  {
    name: 'ignore the epoch',
    file: 'protocol/src/place.ts',
    find: `if (held.epoch !== range.epoch) return 'other-epoch'`,
    put: '',
    known: 32,
  },
  {
    name: 'apply overlapping changes whole, in the gateway',
    file: 'gateway/src/core/feed/splice.ts',
    find: 'const next = trimRun(space, run, position.version)',
    put: 'const next: Run | undefined = run',
    known: 40,
  },
  {
    name: 'apply overlapping changes whole, in the client',
    file: 'client/src/core/space.ts',
    find: 'const fresh = run.changes.filter(({ version }) => version > content.position.version)',
    put: 'const fresh = run.changes',
    known: 27,
  },
  {
    name: 'take a snapshot that is older than what is held',
    file: 'client/src/core/space.ts',
    find: 'held.epoch === snapshot.epoch && held.version >= snapshot.version',
    put: 'held.epoch === snapshot.epoch && held.version < 0',
    known: 'a gateway that is behind and cannot ask, and a client that knows more',
  },
  {
    name: 'append twice what a snapshot already holds',
    file: 'client/src/core/space-content.ts',
    find: 'content: appendText(held.content, text), rev: version',
    put: 'content: appendText(held.content, text), rev: held.rev',
  },

  // Messages that come too early, twice, or from another time.
  {
    name: 'drop a message instead of parking it',
    file: 'gateway/src/core/feed/feed.ts',
    find: "doing(withLag({ ...feed, parked }, target, 'gap', readAtMs), ",
    put: "doing(withLag(feed, target, 'gap', readAtMs), ",
  },
  {
    name: 'park a message and forget that something is missing',
    file: 'gateway/src/core/feed/feed.ts',
    find: "doing(withLag({ ...feed, parked }, target, 'gap', readAtMs), ",
    put: 'doing({ ...feed, parked }, ',
  },
  {
    name: 'ignore heads, in the gateway',
    file: 'gateway/src/core/feed/feed.ts',
    find: `return stay(headNoted(feed, event.position, 'heads', context))`,
    put: 'return stay(feed)',
  },
  {
    name: 'ignore heads, in the client',
    file: 'client/src/core/space.ts',
    find: `event.version > state.content.position.version`,
    put: 'event.version < 0',
    known: 70,
  },
  {
    name: 'do not ask for heads while the bus is away',
    file: 'gateway/src/core/poll.ts',
    find: `return state.bus === 'down' ? stay(state) : askIfDue({ ...state, bus: 'down', dueAtMs: nowMs }, nowMs)`,
    put: 'return stay(state)',
  },
  {
    name: 'forget to rejoin the channels',
    file: 'gateway/src/redis/channels.ts',
    find: '(this.#joined.has(space) ? [] : [{ space, id }])',
    put: '(this.#joined.has(space) ? [{ space, id }] : [])',
  },

  // Answers to those who come back.
  {
    name: 'forget to resubscribe after a reconnect',
    file: 'client/src/core/space.ts',
    find: `return state.subscription.status === 'closed' ? stay(state) : ask(state, 0, at)`,
    put: `return state.subscription.status === 'closed' || state.content !== undefined ? stay(state) : ask(state, 0, at)`,
  },
  {
    name: 'resume from one version too far',
    file: 'client/src/core/subscription.ts',
    find: 'const position = attempt < SNAPSHOT_AFTER_FAILURES ? state.content?.position : undefined',
    put: 'const held = state.content?.position\n  const position = attempt < SNAPSHOT_AFTER_FAILURES && held ? { ...held, version: held.version + 1 } : undefined',
  },
  {
    name: 'a ring that forgets its tail',
    file: 'gateway/src/core/feed/ring.ts',
    find: 'return trimmed === undefined ? undefined : [trimmed, ...ring.runs.slice(low + 1)]',
    put: 'return trimmed === undefined ? undefined : [trimmed, ...ring.runs.slice(low + 1, -1)]',
  },
  {
    name: 'a ring that does not know where it begins',
    file: 'gateway/src/core/feed/ring.ts',
    find: 'if (after > head || after < oldestVersion(ring, head)) return undefined',
    put: 'if (after > head) return undefined',
  },
  {
    name: 'keep a snapshot for too long',
    file: 'gateway/src/core/feed/answer.ts',
    find: `if (snapshot.version < position.version && snapshot.readSeq <= askedIn) return needs({ kind: 'snapshot' })\n  const tail = runsAfter(ring, feed.space, snapshot.version, position.version)`,
    put: 'const tail: readonly Run[] | undefined = []',
    known: 16,
  },
  {
    name: 'splice the answer of a read wrongly',
    file: 'gateway/src/core/feed/answer.ts',
    find: 'return first === undefined || rest === undefined ? undefined : [first, ...rest]',
    put: 'return first === undefined || rest === undefined ? undefined : [run, ...rest]',
    known: 'a read brings more than the ring keeps, to a client that has half of it',
  },
  {
    name: 'give a late joiner what its answer already held',
    file: 'gateway/src/space/fan-out.ts',
    find: 'if (this.#pending.length > 0) this.#late.set(follower.id, this.#pending.length)',
    put: '',
    known: 31,
  },
  {
    name: 'name a head that was not sent yet',
    file: 'gateway/src/space/space-channel.ts',
    find: 'return this.#fanOut.isPending ? this.#fanOut.sentVersion : state.position.version',
    put: 'return state.position.version',
    known: 2,
  },

  {
    name: 'name a head to one whose answer still waits',
    file: 'gateway/src/connection/connection.ts',
    find: 'const isFollowing = this.#subscriptions.isFollowing(space)',
    put: 'const isFollowing = true',
    known: 'a heartbeat while an answer waits for a slow reader',
  },

  // Who may read.
  {
    name: 'revoke late: at the end of a run',
    file: 'gateway/src/core/feed/access.ts',
    find: `if (narrowed) cut(change.version, 'narrowed')`,
    put: '',
  },
  {
    name: 'do not look at changes of access',
    file: 'gateway/src/core/feed/log.ts',
    find: 'if (!run.altersAccess) return advance',
    put: 'if (run.altersAccess || !run.altersAccess) return advance',
  },
  {
    name: 'answer before asking who may read',
    file: 'gateway/src/core/feed/answer.ts',
    find: `if (!mayRead(feed.readers, waiting.being)) return needs({ kind: 'level' })`,
    put: '',
  },
  {
    name: 'keep who may read through a new epoch',
    file: 'gateway/src/core/feed/log.ts',
    find: `...revokeIfNarrowed(feed.readers, readers),\n    { type: 'reset', snapshot, replaces`,
    put: `{ type: 'reset', snapshot, replaces`,
    known: 58,
  },

  // Slow readers, retries and their pauses.
  {
    name: 'count a dropped message as sent',
    file: 'gateway/src/core/connection/send-budget.ts',
    find: `if (event.outcome === 'dropped') return spent`,
    put: '',
    known: 38,
  },
  {
    name: 'never leave the backoff of a read',
    file: 'gateway/src/core/feed/feed.ts',
    find: 'untilMs: at.nowMs + waitMs, failures',
    put: 'untilMs: at.nowMs + 1e9 + waitMs, failures',
  },
  {
    name: 'no backoff of reads',
    file: 'gateway/src/core/feed/feed.ts',
    find: 'const waitMs = backoffMs(settings.retry, failures, at.random, retryAfterMs)',
    put: 'const waitMs = Math.min(0, failures)',
    known: 4,
  },
  {
    name: 'no backoff of connections',
    file: 'machine/src/backoff.ts',
    find: 'return Math.max(minMs, floorMs) + Math.floor(random * ceilingMs)',
    put: 'return Math.min(0, minMs * floorMs * random * ceilingMs)',
  },
  {
    name: 'come back sooner than asked',
    file: 'client/src/core/connection.ts',
    find: 'backoffMs(BACKOFF, from.attempt, at.random, notBeforeMs - at.nowMs)',
    put: 'backoffMs(BACKOFF, from.attempt, at.random, 0)',
  },
  {
    name: 'never notice a connection that is dead',
    file: 'client/src/core/connection.ts',
    find: `return at.nowMs < state.deadAtMs ? stay(state) : letGo(wait(lostFrom(state, at), { kind: 'silent' }, 'held', at))`,
    put: 'return stay(state)',
  },
  {
    name: 'never send a heartbeat',
    file: 'gateway/src/core/connection/machine.ts',
    find: `return { state: next, effects: [{ type: 'sendHeartbeat', spaces }] }`,
    put: "return { state: next, effects: spaces.length < 0 ? [{ type: 'sendHeartbeat', spaces }] : [] }",
  },
  {
    name: 'wait for an answer for ever',
    file: 'client/src/core/space.ts',
    find: `if (subscription.status === 'asking' && at.nowMs >= subscription.givesUpAtMs)`,
    put: `if (subscription.status === 'asking' && at.nowMs < 0)`,
  },
  {
    name: 'wait by the date of the device',
    file: 'client/src/sync/connector.ts',
    find: 'clock: environment,',
    put: 'clock: { ...environment, nowMs: () => environment.dateMs() },',
    known: 9,
  },
  {
    name: 'forget by whose date a token expires',
    file: 'client/src/sync/session-keeper.ts',
    find: 'const remainingMs = (): number => Math.max(0, session.expiresAt - environment.dateMs())',
    put: 'const remainingMs = (): number => Math.max(0, session.expiresAt - 1_800_000_000_000 - environment.nowMs())',
  },
  {
    name: 'keep a renewed token to oneself',
    file: 'client/src/core/connection.ts',
    find: `// hello said the former one.\n      return { state, effects: [{ type: 'sendRefresh' }] }`,
    put: 'return stay(state)',
    known: 11,
  },

  // What ends.
  {
    name: 'end a feed at any change of access',
    file: 'gateway/src/core/feed/log.ts',
    find: `if (part.effect === 'removed') return andThen(step, end)`,
    put: `if (part.effect !== 'none') return andThen(step, end)`,
  },
  {
    name: 'go on after a space was removed',
    file: 'gateway/src/core/feed/log.ts',
    find: `if (part.effect === 'removed') return andThen(step, end)`,
    put: '',
    known: 71,
  },
  {
    name: 'do not notice that a space is missing',
    file: 'gateway/src/core/feed/feed.ts',
    find: `return stay(feed.status === 'live' ? withLag(feed, undefined, 'heads', nowMs) : feed)`,
    put: 'return stay(feed)',
  },
  {
    name: 'never notice that everybody has left',
    file: 'gateway/src/core/feed/feed.ts',
    find: 'if (remaining > 0 || waiting.length > 0 ||',
    put: 'if (remaining >= 0 || waiting.length > 0 ||',
  },
  {
    name: 'give all who resume the answer of the first',
    file: 'gateway/src/core/feed/answer.ts',
    find: `const key = found.answer.kind === 'snapshot' ? 'snapshot' : String(found.answer.from)`,
    put: 'const key = found.answer.kind',
    known: 98,
  },
  {
    name: 'show what may no longer be read',
    file: 'client/src/core/subscription.ts',
    find: `subscription: { status: 'closed', code, message },\n  content: undefined,`,
    put: `subscription: { status: 'closed', code, message },`,
  },
  {
    name: 'take no notice of an answer that comes after a close',
    file: 'client/src/core/subscription.ts',
    find: `boolean => subscription.status !== 'paused'\n`,
    put: `boolean => subscription.status !== 'paused' && subscription.status !== 'closed'\n`,
    known: 'a space is restored before a client hears that it was removed',
  },
  {
    name: 'ignore a message that cannot be understood',
    file: 'gateway/src/core/feed/feed.ts',
    find: `return stay(headNoted(feed, event.position, 'gap', context))`,
    put: 'return stay(feed)',
  },
]
