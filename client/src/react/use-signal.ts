/** Signals to those who watch a space right now, and typing, the best known of them. */
import type { Being, BeingId, JsonObject, SpaceId } from '@rhizom/protocol'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { typistsOf } from '../core/typing-state.ts'
import type { SendResult } from '../sync/send-result.ts'
import type { Signal } from '../sync/signals.ts'
import { useRhizom } from './rhizom-context.ts'
import { useEntities } from './use-entities.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

/**
 * Listens to the signals of one name in a space while mounted, and sends them. Renders nothing by itself: a signal is
 * gone once the listener was called with `{name, from, data}`. What oneself sends comes back as well, here and on one's
 * other screens, with oneself as `from`. `listener` may be another function at each render.
 *
 * @returns a function, the same at every render, that sends `data` (default `{}`, at most 1 KiB as JSON). It answers
 * `{ok: true}`, or `{ok: false, code, message}` for what is malformed or too large, which then is not sent. At most one
 * signal of a name leaves a second, the latest wins; without a connection it is dropped. Whether anybody heard it,
 * nobody knows.
 */
export function useSignal(
  space: SpaceId,
  name: string,
  listener?: (signal: Signal) => void,
): (data?: JsonObject) => SendResult {
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
  /**
   * The others who type now, the first to begin first; `entity` is undefined until it is known: show the id. Never
   * oneself, also when one types on another screen.
   */
  typing: readonly { being: BeingId; entity: Being | undefined }[]
  /**
   * Tells the others that one is typing. Call it at every key: it is sent about once a second. The same function
   * always.
   */
  notify: () => void
  /** Tells that one is not, all of it being erased. Sending a message tells it as well. The same function always. */
  stop: () => void
}

/** As one text, which is the same text while the same people go on typing, told about every second. */
const typistsIn = ({ typing }: SpaceState): string => typistsOf(typing).join(' ')

/**
 * Who else is typing in a space. Somebody stops by saying something, by erasing all of it, by leaving, or 4 s after the
 * last signal, by this device's clock: so also when their page or their network is gone. Everybody stops when one's own
 * connection is lost. Renders again only when somebody begins or stops, or when the name of one who types changes.
 */
export function useTyping(space: SpaceId): TypingView {
  const client = useRhizom()
  useWatch(space, false)
  const typists = useSpacePart(space, typistsIn)
  const self = client.session().being.id
  const ids = useMemo(() => typists.split(' ').filter((being) => being !== '' && being !== self), [typists, self])
  const entities = useEntities(space, ids)
  const typing = useMemo(() => ids.map((being) => ({ being, entity: entities.get(being) })), [ids, entities])
  const notify = useCallback(() => client.notifyTyping(space), [client, space])
  const stop = useCallback(() => client.stopTyping(space), [client, space])
  return useMemo(() => ({ typing, notify, stop }), [typing, notify, stop])
}
