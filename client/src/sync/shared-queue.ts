/**
 * What waits is shared by all pages of one person in one browser: it is kept in one vault, any page may add to it, and
 * one page sends, the one that holds a lock. When that page ends, however it ends, the browser gives the lock to the
 * next, which sends everything unanswered again under the same ids: the server tells the first outcome of what had
 * arrived.
 *
 * A page tells the others what becomes of the queue by its own doing, and hears what becomes of it by theirs. Where
 * there is no vault or no lock, each page sends what it has itself.
 */
import type { MutationId } from '@rhizom/protocol'
import {
  idOf,
  isOpen,
  type MutationOutcome,
  type QueueEntry,
  type QueueEvent,
  type QueueState,
} from '../core/queue-state.ts'
import type { Environment } from '../runtime/environment.ts'
import type { OpenTabs, Tabs } from '../runtime/tabs.ts'
import { entryOf, fateOf, isKey, refusedOf } from './kept-entries.ts'
import type { Keeper } from './keeping.ts'
import { lastOutcomes } from './last-outcomes.ts'
import type { QueueSharing } from './mutation-queue.ts'
import { asHeard, isMessage, isOwnNews, lackingAmong, type TabMessage } from './tab-message.ts'

/** Without a word of the one that sends for so long, its page hangs or is frozen, and another takes over. */
const SILENCE_MS = 4_000
/** So long the word that all was erased may be on its way. */
const ERASED_WORD_MS = 1_000

export interface SharedQueue extends QueueSharing {
  /** The page is there, or back: gives the queue what is kept, and asks for the lock. */
  attend(): void
  /** The page is left, and may come back. */
  leave(): void
  /** Tells the other pages that all that waits is gone. */
  tellErased(): void
}

/** One stay of the page, from when it opens or is back until it is left. What it took ends with it. */
interface Stay {
  tabs: Tabs | undefined
  /** The lock as it was granted last; another one whenever it is granted anew, none once it is lost. */
  grant: object | undefined
}

export interface SharedQueueDeps {
  environment: Pick<Environment, 'after'>
  openTabs: OpenTabs
  keeper: Keeper
  /** Of the lock and the channel. */
  name: string
  dispatch(event: QueueEvent): void
}

export function createSharedQueue({ environment, openTabs, keeper, name, dispatch }: SharedQueueDeps): SharedQueue {
  /** undefined while the page is left. */
  let stay: Stay | undefined
  let latest: QueueState | undefined
  /** What is told of by others is not told to them again, and kept by them. */
  let isHearing = false
  let isClosing = false
  /** The last outcomes, by this page or heard: of what another, or the vault, may still have for open. */
  const outcomes = lastOutcomes()
  let cancelTakeOver: (() => void) | undefined
  let cancelAsking: (() => void) | undefined

  function hear(run: () => void): void {
    isHearing = true
    try {
      run()
    } finally {
      isHearing = false
    }
  }

  const tell = (message: TabMessage): void => stay?.tabs?.post(message)
  const isKept = (): boolean => keeper.state().status === 'kept'

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

  async function begin(): Promise<void> {
    if (stay !== undefined) return
    const own: Stay = { tabs: undefined, grant: undefined }
    stay = own
    await keeper.whenOpen()
    if (isOver(own)) return
    if (isKept()) {
      own.tabs = openTabs(name, receive, () => standAlone(own))
      if (own.tabs !== undefined) dispatch({ type: 'senderChanged', isSender: false })
      await giveKept()
      if (isOver(own)) return
      // What was asked for before anybody could hear it.
      tell({ type: 'entries', entries: (latest?.entries ?? []).filter(({ order }) => isKey(order)) })
    }
    if (own.tabs === undefined) return dispatch({ type: 'senderChanged', isSender: true })
    own.tabs.request(() => void take(own))
    if (latest !== undefined && latest.entries.length > 0) askWhoSends()
  }

  /** A page that is left may be frozen at any time: what it took from then on it would hold for as long as that. */
  const isOver = (own: Stay): boolean => stay !== own || isClosing

  async function take(own: Stay): Promise<void> {
    const grant = {}
    own.grant = grant
    // What a page that is gone had added and this one has not heard of.
    await giveKept()
    // Left, or passed by, while that was read: the lock is with another page.
    if (isOver(own) || own.grant !== grant) return
    dispatch({ type: 'senderChanged', isSender: true })
    tellSending()
  }

  const tellSending = (): void => tell({ type: 'sending', ids: (latest?.entries ?? []).filter(isOpen).map(idOf) })

  /** Its outcome was told before this page heard anything: whoever sends tells it again, or asks for it by its id. */
  function tellLacking(ids: readonly MutationId[]): void {
    const lacking = lackingAmong(latest?.entries ?? [], ids)
    if (lacking.length > 0) tell({ type: 'entries', entries: lacking })
  }

  /** What waits here is in no vault that another page could send it from. */
  const stopKept = keeper.onState(() => {
    if (keeper.state().status !== 'not-kept') return
    stopKept()
    // It may have been erased together with all that waits, which another page says at the same time.
    environment.after(stay?.tabs === undefined ? 0 : ERASED_WORD_MS, () => {
      stay?.tabs?.close()
      if (stay !== undefined) stay.tabs = undefined
      if (!isClosing) dispatch({ type: 'senderChanged', isSender: true })
    })
  })

  /** The lock is with another page that does not know of this one. */
  function standAlone(own: Stay): void {
    if (isOver(own)) return
    own.grant = undefined
    dispatch({ type: 'senderChanged', isSender: false })
    own.tabs?.request(() => void take(own))
  }

  const waitsForOther = (): boolean =>
    stay?.tabs !== undefined && latest?.isSender === false && latest.entries.some(isOpen)

  /** Where another page sends, it is to say that it lives. */
  function askWhoSends(): void {
    if (!waitsForOther()) return
    tell({ type: 'who-sends' })
    cancelTakeOver ??= environment.after(SILENCE_MS, () => {
      cancelTakeOver = undefined
      if (stay !== undefined && waitsForOther()) steal(stay)
    })
  }

  const steal = (own: Stay): void => own.tabs?.request(() => void take(own), { steal: true })

  /** It is asked again for as long as something waits: the lock may have gone to a page that is frozen. */
  function askInAWhile(): void {
    if (!waitsForOther()) return
    cancelAsking ??= environment.after(SILENCE_MS, () => {
      cancelAsking = undefined
      askWhoSends()
      askInAWhile()
    })
  }

  function stopAsking(): void {
    cancelTakeOver?.()
    cancelAsking?.()
    cancelTakeOver = undefined
    cancelAsking = undefined
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
        if (latest?.isSender === true) tellSending()
        return
      case 'erased':
        return dispatch({ type: 'closeRequested' })
      case 'sending':
        cancelTakeOver?.()
        cancelTakeOver = undefined
        return tellLacking(data.ids)
      default:
        data satisfies never
    }
  }

  function takeEntries(entries: readonly QueueEntry[]): void {
    const settled = entries.flatMap((entry) => (isOpen(entry) ? (outcomes.get(idOf(entry)) ?? []) : []))
    if (latest?.isSender === true) for (const outcome of settled) tell({ type: 'outcome', outcome })
    const news = entries.filter((entry) => !settled.some(({ id }) => id === idOf(entry)))
    hear(() => {
      dispatch({ type: 'entriesGiven', entries: news.map(asHeard) })
    })
    dispatch({ type: 'sendRequested' })
  }

  function takeOutcome(outcome: MutationOutcome): void {
    const entry = latest?.entries.find((one) => idOf(one) === outcome.id)
    hear(() => dispatch({ type: 'settledElsewhere', outcome }))
    // Whoever waited for it here deals with it: no record of it is needed anywhere.
    if (entry?.handsBack !== true || outcome.status === 'applied') return
    keeper.remove(entry.order)
    tell({ type: 'refused-dropped', id: outcome.id })
  }

  function changed(state: QueueState, before: QueueState): void {
    latest = state
    askInAWhile()
    if (isHearing || isClosing || !isKept()) return
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
    attend: () => void begin(),
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
      const now = latest?.entries.find((one) => idOf(one) === idOf(entry))
      if (now === undefined) return keeper.remove(order)
      dispatch({ type: 'entriesGiven', entries: [{ ...now, order }] })
      askWhoSends()
    },
    changed,
    settled(_entry, outcome) {
      outcomes.note(outcome)
      if (!isHearing && !isClosing) tell({ type: 'outcome', outcome })
    },
    leave() {
      stopAsking()
      const tabs = stay?.tabs
      stay = undefined
      tabs?.close()
      if (tabs !== undefined) dispatch({ type: 'senderChanged', isSender: false })
    },
    tellErased: () => tell({ type: 'erased' }),
    stop() {
      isClosing = true
      stopKept()
      stopAsking()
    },
  }
}

const byId = <T extends { mutation: { id: string } }>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.mutation.id, one]))
