/** Signals to whoever watches a space right now, and typing, the best known of them. */
import type { Being, BeingId, JsonObject, SpaceId } from '@rhizom/protocol'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import type { Said, Signal } from '../sync/signals.ts'
import { useRhizom } from './provider.tsx'
import { useEntities } from './use-entities.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

/**
 * Listens to the signals of one name in a space while mounted; `listener` may be another function at each render.
 * @returns a function that sends one, `data` at most 1 KiB as JSON. It goes at most once a second, the latest wins,
 * nobody keeps it, and without a connection it is dropped.
 */
export function useSignal(
  space: SpaceId,
  name: string,
  listener?: (signal: Signal) => void,
): (data?: JsonObject) => Said {
  const client = useRhizom()
  useWatch(space, false)
  const current = useRef(listener)
  useEffect(() => {
    current.current = listener
  })
  useEffect(() => client.onSignal(space, name, (signal) => current.current?.(signal)), [client, space, name])
  return useCallback((data) => client.sendSignal(space, name, data), [client, space, name])
}

export interface TypingView {
  /** The others who type now, the first to begin first; `entity` is null until it is known. */
  typing: readonly { being: BeingId; entity: Being | null }[]
  /** Tells the others that one is typing. Call it at every key. */
  notify: () => void
}

const typingOf = ({ typing }: SpaceState) => typing

/** Who else is typing in a space. One stops after a few seconds, by saying something, or by leaving. */
export function useTyping(space: SpaceId): TypingView {
  const client = useRhizom()
  useWatch(space, false)
  const typists = useSpacePart(space, typingOf)
  const self = client.session().being.id
  // One who goes on typing is told about every second: the same names are the same list.
  const names = typists.map(({ being }) => being).filter((being) => being !== self)
  const key = names.join(' ')
  const ids = useMemo(() => (key === '' ? [] : key.split(' ')), [key])
  const entities = useEntities(space, ids)
  const typing = useMemo(() => ids.map((being) => ({ being, entity: entities.get(being) ?? null })), [ids, entities])
  const notify = useCallback(() => client.notifyTyping(space), [client, space])
  return useMemo(() => ({ typing, notify }), [typing, notify])
}
