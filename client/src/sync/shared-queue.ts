/**
 * What waits is shared by all pages of one person in one browser: it is kept in one vault, any page may add to it, and
 * one page sends, the one that holds a lock. When that page ends, however it ends, the browser gives the lock to the
 * next, which sends everything unanswered again under the same ids: the server tells the first outcome of what had
 * arrived. `core/sender.ts` says which page that is.
 *
 * A page tells the others what becomes of the queue by its own doing, and hears what becomes of it by theirs. Where
 * there is no vault or no lock, each page sends what it has itself.
 */
import { Runner } from '@rhizom/machine'
import type { MutationId } from '@rhizom/protocol'
import {
  emptyQueue,
  idOf,
  isOpen,
  type MutationOutcome,
  type QueueEntry,
  type QueueEvent,
  type QueueState,
} from '../core/queue-state.ts'
import { isSending, notThere, type Sender, type SenderEffect, type SenderEvent, senderMachine } from '../core/sender.ts'
import type { Environment } from '../runtime/environment.ts'
import type { OpenTabs, Tabs } from '../runtime/tabs.ts'
import { entryOf, fateOf, isKey, refusedOf } from './kept-entries.ts'
import type { Keeper } from './keeping.ts'
import { lastOutcomes } from './last-outcomes.ts'
import type { QueueSharing } from './mutation-queue.ts'
import { asHeard, isMessage, isOwnNews, lackingAmong, type TabMessage } from './tab-message.ts'

export interface SharedQueue extends QueueSharing {
  /** The page is there, or back: gives the queue what is kept, and asks for the lock. */
  attend(): void
  /** The page is left, and may come back. */
  leave(): void
  /** Tells the other pages that all that waits is gone. */
  tellErased(): void
}

export interface SharedQueueDeps {
  environment: Pick<Environment, 'nowMs' | 'dateMs' | 'after' | 'random' | 'report'>
  openTabs: OpenTabs
  keeper: Keeper
  /** Of the lock and the channel. */
  name: string
  dispatch(event: QueueEvent): void
}

export function createSharedQueue({ environment, openTabs, keeper, name, dispatch }: SharedQueueDeps): SharedQueue {
  let tabs: Tabs | undefined
  let queue: QueueState = emptyQueue
  /** While the queue takes what others told: that is not told to them again, and kept by them. */
  let isHearing = false
  /** The last outcomes, by this page or heard: of what another, or the vault, may still have for open. */
  const outcomes = lastOutcomes()

  const sender = new Runner<Sender, SenderEvent, SenderEffect>({
    machine: senderMachine,
    initial: notThere,
    clock: environment,
    random: () => environment.random(),
    carryOut,
    faulted: (error) => environment.report('sharing what waits with other pages failed', error),
    changed: () => undefined,
  })
  const hasEnded = (): boolean => sender.state.status === 'closed'

  function carryOut(effect: SenderEffect): void {
    switch (effect.type) {
      case 'openStore':
        void keeper.whenOpen().then(() => sender.dispatch({ type: 'storeOpened', turn: effect.turn, isKept: isKept() }))
        return
      case 'openTabs':
        return join()
      case 'closeTabs':
        tabs?.close()
        tabs = undefined
        return
      case 'giveKept':
        void giveKept().then(() => sender.dispatch({ type: 'keptGiven', turn: effect.turn, waits: waits() }))
        return
      case 'requestLock':
        return requestLock(effect.steal)
      case 'setSender':
        return dispatch({ type: 'senderChanged', isSender: effect.isSender })
      case 'tellEntries':
        return tell({ type: 'entries', entries: queue.entries.filter(({ order }) => isKey(order)) })
      case 'tellSending':
        return tellSending()
      case 'askWhoSends':
        return tell({ type: 'who-sends' })
      default:
        return effect satisfies never
    }
  }

  /** What was let go of is never heard from again, though a word of it may be on its way. */
  function join(): void {
    const ifOwn = (run: () => void): void => {
      if (own === tabs) run()
    }
    const own = openTabs(name, {
      onMessage: (data) => ifOwn(() => receive(data)),
      onLockLost: () => ifOwn(() => sender.dispatch({ type: 'lockLost' })),
      onLockRefused: () => ifOwn(() => sender.dispatch({ type: 'lockRefused' })),
    })
    tabs = own
    sender.dispatch({ type: 'tabsOpened', isShared: own !== undefined })
  }

  function requestLock(steal: boolean): void {
    const own = tabs
    const granted = (): void => {
      if (own === tabs) sender.dispatch({ type: 'lockGranted' })
    }
    own?.request(granted, { steal })
  }

  const stopKept = keeper.onState(() => {
    if (keeper.state().status === 'not-kept') sender.dispatch({ type: 'storeLost' })
  })

  function hear(run: () => void): void {
    isHearing = true
    try {
      run()
    } finally {
      isHearing = false
    }
  }

  const tell = (message: TabMessage): void => tabs?.post(message)
  const tellSending = (): void => tell({ type: 'sending', ids: queue.entries.filter(isOpen).map(idOf) })
  const isKept = (): boolean => keeper.state().status === 'kept'
  const waits = (): boolean => queue.entries.some(isOpen)

  async function giveKept(): Promise<void> {
    const kept = await keeper.mutations()
    const entries = kept.filter(({ fate, order, mutation: { id, space } }) => {
      // Whoever took it back had no time to remove it.
      if (outcomes.isTakenBack(id)) keeper.remove(order)
      if (fate.status === 'refused' || outcomes.get(id)?.status === 'rejected') return false
      return fate.status === 'open' || (space !== null && keeper.keepsSpace(space))
    })
    hear(() => {
      dispatch({ type: 'entriesGiven', entries: entries.map(entryOf) })
      dispatch({ type: 'refusedGiven', refused: kept.flatMap(refusedOf) })
    })
  }

  function receive(data: unknown): void {
    if (!isMessage(data)) return
    switch (data.type) {
      case 'entries':
        return takeEntries(data.entries)
      case 'outcome':
        return takeOutcome(data.outcome)
      case 'refused-dropped':
        return hear(() => dispatch({ type: 'refusedDropped', id: data.id }))
      case 'who-sends':
        if (isSending(sender.state)) tellSending()
        return
      case 'erased':
        return dispatch({ type: 'closeRequested' })
      case 'sending':
        sender.dispatch({ type: 'senderHeard' })
        return tellLacking(data.ids)
      default:
        data satisfies never
    }
  }

  function takeEntries(entries: readonly QueueEntry[]): void {
    const settled = entries.flatMap((entry) => (isOpen(entry) ? (outcomes.get(idOf(entry)) ?? []) : []))
    if (isSending(sender.state)) for (const outcome of settled) tell({ type: 'outcome', outcome })
    const news = entries.filter((entry) => !settled.some(({ id }) => id === idOf(entry)))
    hear(() => {
      dispatch({ type: 'entriesGiven', entries: news.map(asHeard) })
    })
    dispatch({ type: 'sendRequested' })
  }

  function takeOutcome(outcome: MutationOutcome): void {
    const entry = queue.entries.find((one) => idOf(one) === outcome.id)
    hear(() => dispatch({ type: 'settledElsewhere', outcome }))
    // Whoever waited for it here deals with it: no record of it is needed anywhere.
    if (entry?.handsBack !== true || outcome.status === 'applied') return
    keeper.remove(entry.order)
    tell({ type: 'refused-dropped', id: outcome.id })
  }

  /** Its outcome was told before this page heard anything: whoever sends tells it again, or asks for it by its id. */
  function tellLacking(ids: readonly MutationId[]): void {
    const lacking = lackingAmong(queue.entries, ids)
    if (lacking.length > 0) tell({ type: 'entries', entries: lacking })
  }

  function changed(state: QueueState, before: QueueState): void {
    queue = state
    sender.dispatch({ type: 'queueChanged', waits: waits() })
    if (isHearing || hasEnded() || !isKept()) return
    const [former, present] = [byId(before.entries), byId(state.entries)]
    const refused = byId(state.refused)
    const different = state.entries.filter((entry) => former.get(idOf(entry)) !== entry)
    for (const entry of different) {
      const { isWithdrawn, hasArrived } = entry
      keeper.patch(entry.order, { isWithdrawn, hasArrived, fate: fateOf(entry) })
    }
    for (const [id, { order }] of former) if (!present.has(id) && !refused.has(id)) keeper.remove(order)
    for (const one of refused.values()) {
      if (before.refused.includes(one)) continue
      const { code, message, refusedAtMs, order } = one
      keeper.patch(order, { fate: { status: 'refused', code, message, refusedAtMs } })
      keeper.flush()
    }
    for (const one of before.refused) {
      if (refused.has(idOf(one))) continue
      keeper.remove(one.order)
      tell({ type: 'refused-dropped', id: idOf(one) })
    }
    // How one stands only the page that sends can tell; what is long answered must not come back by another's word.
    const news = different.filter((entry) => state.isSender || isOwnNews(entry, former.get(idOf(entry))))
    if (news.length > 0) tell({ type: 'entries', entries: news.filter(({ order }) => isKey(order)) })
  }

  return {
    attend: () => sender.dispatch({ type: 'attended' }),
    async keep(entry) {
      if (keeper.state().status === 'opening') await keeper.whenOpen()
      if (outcomes.isTakenBack(idOf(entry))) return
      const { isWithdrawn, hasArrived } = entry
      const order = await keeper.add({
        mutation: entry.mutation,
        queuedAtMs: entry.queuedAtMs,
        isWithdrawn,
        hasArrived,
        fate: { status: 'open' },
      })
      if (order === undefined) return
      const now = queue.entries.find((one) => idOf(one) === idOf(entry))
      if (now === undefined) return keeper.remove(order)
      dispatch({ type: 'entriesGiven', entries: [{ ...now, order }] })
      sender.dispatch({ type: 'added' })
    },
    changed,
    settled(_entry, outcome) {
      outcomes.note(outcome)
      if (!isHearing && !hasEnded()) tell({ type: 'outcome', outcome })
    },
    leave: () => sender.dispatch({ type: 'left' }),
    tellErased: () => tell({ type: 'erased' }),
    stop() {
      stopKept()
      sender.dispatch({ type: 'closed' })
    },
  }
}

const byId = <T extends { mutation: { id: string } }>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.mutation.id, one]))
