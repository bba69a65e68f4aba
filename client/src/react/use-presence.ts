/** Who is here in a space, who is located in it but away, and what oneself shows to the others. */
import type { Being, BeingId, Here, JsonObject, SpaceId } from '@rhizom/protocol'
import { useMemo, useState } from 'react'
import { unlistedSelf, withUnlisted } from '../core/own-presence.ts'
import { isSample, type HereList } from '../core/presence-state.ts'
import { beingsHere } from '../core/space-content.ts'
import type { SpaceState } from '../core/space-state.ts'
import { useRhizom } from './rhizom-context.ts'
import { useEntities, useLookedUp } from './use-entities.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

export interface HereView {
  being: BeingId
  /** undefined until it is known: show the id. */
  entity: Being | undefined
  /** What it set for others to see, at most 1 KiB: `{away: true}`, a status line, a cursor. `{}` if it set nothing. */
  state: JsonObject
  /** When it came, in milliseconds since 1970 by the server's clock; a reload or another tab does not change it. */
  since: number
}

export interface AwayView {
  being: BeingId
  entity: Being
  /** When it was last here, in milliseconds since 1970; null if that was never, or before anybody noted it. */
  lastSeenAt: number | null
}

export interface SpacePresenceView {
  /** Oneself first, then those who are here longest. Oneself is listed while here, also in a big space. */
  here: readonly HereView[]
  /** How many are here, exactly, also where `here` is a sample. */
  hereCount: number
  /** In a big space only some of those who are here are listed. */
  isSample: boolean
  /**
   * Located in the space and not here: people first, then those who never come, as documents. Empty for a sample, which
   * cannot tell.
   */
  away: readonly AwayView[]
  /** The servers cannot know at the moment; this is what they knew last. */
  frozen: boolean
  /** There is no connection, or no answer yet; this is what was known before, which is nobody at first. */
  stale: boolean
}

export interface PresenceOptions {
  /**
   * How many of each list are shown. Only of those are the names and times looked up that the space did not bring, a
   * hundred to a request; without it, of all.
   */
  shown?: number
}

const presenceOf = ({ presence }: SpaceState) => presence
const beingsOf = ({ content }: SpaceState) => content?.beings
const unlistedOf = ({ presence, own }: SpaceState) => unlistedSelf(presence, own)

const nobodyHere: HereList = { here: [], hereCount: 0 }
const never: Readonly<Record<BeingId, number>> = {}

/**
 * Who is here in a space. Watches it without being here oneself; `useSpace` makes one present. Renders again when
 * somebody comes, goes or changes their state, when a being of the space changes, and when the connection is lost or
 * back; not for messages, nor for typing, and not as time passes: keep a clock of your own to show how long.
 */
export function useSpacePresence(
  id: SpaceId,
  { shown = Number.POSITIVE_INFINITY }: PresenceOptions = {},
): SpacePresenceView {
  useWatch(id, false)
  const self = useRhizom().session().being.id
  const presence = useSpacePart(id, presenceOf)
  const unlisted = useSpacePart(id, unlistedOf)
  const beings = useSpacePart(id, beingsOf)
  const roster = useMemo(() => withUnlisted(presence ?? nobodyHere, unlisted), [presence, unlisted])
  const { hereCount } = roster
  const isPart = isSample(roster)
  const entries = useMemo(() => ownFirst(roster.here, self), [roster.here, self])
  const ids = useMemo(() => entries.map(({ being }) => being), [entries])
  const entities = useEntities(id, ids, shown)
  const [viewOf] = useState(keepingHere)
  const here = useMemo(
    () => entries.map((entry) => viewOf(entry, entities.get(entry.being))),
    [entries, entities, viewOf],
  )
  const lastSeen = presence?.lastSeen ?? never
  const absent = useMemo(() => {
    const those = new Set(ids)
    const isKnown = presence !== undefined && !isPart && beings !== undefined
    return isKnown ? peopleFirst(beingsHere(beings, id).filter((being) => !those.has(being.id))) : []
  }, [presence, isPart, beings, id, ids])
  // Leaving is no change of the space, so what came with the space may be older than the last time somebody left.
  const unseen = absent.slice(0, shown).filter((being) => isPerson(being) && lastSeen[being.id] === undefined)
  const lookedUp = useLookedUp(unseen.map((being) => being.id))
  const away = useMemo(() => awayOf(absent, lookedUp, lastSeen), [absent, lookedUp, lastSeen])
  const frozen = presence?.frozen ?? false
  const stale = presence === undefined || presence.staleSinceMs !== undefined
  return useMemo(
    () => ({ here, hereCount, isSample: isPart, away, frozen, stale }),
    [here, hereCount, isPart, away, frozen, stale],
  )
}

/** The former view of somebody while their entry and their being are the same. */
function keepingHere(): (entry: Here, entity: Being | undefined) => HereView {
  const views = new WeakMap<Here, HereView>()
  return (entry, entity) => {
    const last = views.get(entry)
    if (last !== undefined && last.entity === entity) return last
    const view = { ...entry, entity }
    views.set(entry, view)
    return view
  }
}

function ownFirst(here: readonly Here[], self: BeingId): readonly Here[] {
  const index = here.findIndex(({ being }) => being === self)
  const own = here[index]
  return own === undefined ? here : [own, ...here.toSpliced(index, 1)]
}

const isPerson = ({ type }: Being): boolean => type === 'guest'

const peopleFirst = (beings: readonly Being[]): Being[] => [
  ...beings.filter(isPerson),
  ...beings.filter((being) => !isPerson(being)),
]

function awayOf(
  absent: readonly Being[],
  lookedUp: readonly Being[],
  lastSeen: Readonly<Record<BeingId, number>>,
): AwayView[] {
  const fresh = new Map(lookedUp.map((being) => [being.id, being.lastSeenAt]))
  return absent.map((entity) => {
    const times = [entity.lastSeenAt, fresh.get(entity.id), lastSeen[entity.id]].map((at) => at ?? 0)
    const seenAt = Math.max(...times)
    return { being: entity.id, entity, lastSeenAt: seenAt === 0 ? null : seenAt }
  })
}
