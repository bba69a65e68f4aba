/** Deliberate faults in what pages do: the queue and what is kept of it, senders, ways to a gateway. */
import type { Mutant } from './mutants.ts'

const faults: readonly Omit<Mutant, 'isOfPages'>[] = [
  // What waits.
  {
    name: 'a queue that forgets at a reload',
    file: 'client/src/sync/shared-queue.ts',
    find: `return fate.status === 'open' || (space`,
    put: `return (fate.status !== 'open' && false) || (space`,
  },
  {
    name: 'send again under a new id',
    file: 'client/src/core/queue-batch.ts',
    find: `export function wireOf({ mutation, isWithdrawn }: QueueEntry): Mutation {
  const { id, space } = mutation
  if (!isWithdrawn) return mutation`,
    put: `export function wireOf({ mutation, isWithdrawn, state }: QueueEntry): Mutation {
  const { id, space } = mutation
  if (!isWithdrawn)
    return 'attempt' in state && state.attempt > 0 ? { ...mutation, id: id.replace(/.$/, 'f') } : mutation`,
    known: 4,
  },
  {
    name: 'let go of what is only sent',
    file: 'client/src/sync/shared-queue.ts',
    find: `keeper.patch(entry.order, { isWithdrawn, hasArrived, fate: fateOf(entry) })`,
    put: `if (entry.state.status === 'sending') keeper.remove(entry.order)`,
  },
  {
    name: 'send the latest first',
    file: 'client/src/core/queue.ts',
    find: `return [...all.values()].sort((a, b) => a.order - b.order)`,
    put: `return [...all.values()].sort((a, b) => b.order - a.order)`,
    known: 13,
  },
  {
    name: 'wait for ever where nothing is kept any more',
    file: 'client/src/core/sender.ts',
    find: `turn: state.turn }, effects: [{ type: 'closeTabs' }, toldToSend] }`,
    put: `turn: state.turn }, effects: [{ type: 'closeTabs' }] }`,
    known: 15,
  },
  {
    name: 'call taken back what has left',
    file: 'client/src/core/queue.ts',
    find: `if (state.isSender && entry.state.status === 'unsent')`,
    put: `if (state.isSender)`,
    known: 12,
  },

  // Who sends.
  {
    name: 'two senders',
    file: 'client/src/core/sender.ts',
    find: 'effects: event.isShared ? [toldNotToSend, read] : [read]',
    put: 'effects: [read]',
  },
  {
    name: 'leave the lock with a page that stands still',
    file: 'client/src/core/sender.ts',
    find: `{ type: 'requestLock', steal: true }`,
    put: `{ type: 'requestLock', steal: false }`,
  },
  {
    name: 'not tell what was settled before one could hear it',
    file: 'client/src/sync/shared-queue.ts',
    find: 'return tellLacking(data.ids)',
    put: 'return',
    known: 41,
  },
  {
    name: 'send what another page took back',
    file: 'client/src/sync/shared-queue.ts',
    find: 'const news = entries.filter((entry) => !settled.some(({ id }) => id === idOf(entry)))',
    put: 'const news = entries',
    known: 10,
  },

  // What is shown, and kept.
  {
    name: 'keep a position before its state',
    file: 'client/src/sync/keeping.ts',
    find: 'spaces.set(id, content)',
    put: `spaces.set(id, content && spaces.get(id) ? { ...spaces.get(id), position: content.position } : content)`,
  },
  {
    name: 'show nothing of what is kept',
    file: 'client/src/sync/space-sync.ts',
    find: `if (found !== undefined) runner.dispatch({ type: 'keptFound', ...found })`,
    put: '',
  },
  {
    name: 'let an answer take its word out of sight',
    file: 'client/src/core/pending.ts',
    find: `(entry.state.status === 'applied' && entry.state.version <= position.version)`,
    put: `entry.state.status === 'applied'`,
  },

  // Ways to a gateway, and around it.
  {
    name: 'drop what is shown when probing',
    file: 'client/src/core/space.ts',
    find: `      return move(state, at)`,
    put: `      return move({ ...state, content: undefined }, at)`,
  },
  {
    name: 'a poll that skips a version',
    file: 'client/src/runtime/polling.ts',
    find: 'watched.set(space, { epoch, version: to })',
    put: 'watched.set(space, { epoch, version: to + 1 })',
  },
  {
    name: 'a stream that goes on from the wrong place',
    file: 'client/src/runtime/event-stream.ts',
    find: 'subscription.position = { epoch, version: Number(version) }',
    put: 'subscription.position = { epoch, version: Number(version) + 1 }',
    known: 9,
  },
  {
    name: 'never come up from a lower way',
    file: 'client/src/core/transport.ts',
    find: 'if (best === undefined || best === choice.name) return undefined',
    put: 'if (best !== undefined) return undefined',
  },
  {
    name: 'never fall to a lower way',
    file: 'client/src/core/transport.ts',
    find: 'if (failures < ENOUGH) return',
    put: 'if (failures < 1e9) return',
  },
]

export const PAGE_MUTANTS: readonly Mutant[] = faults.map((fault) => ({ ...fault, isOfPages: true }))
