/**
 * Types of an app's own for what is said and what people show of themselves, end to end. Others may run another version
 * of the app, or another app: so each type comes with a function that reads it, and what that does not know is told
 * apart instead of being believed.
 */
import type { Content, JsonObject, SpaceId } from '@rhizom/protocol'
import { useMemo } from 'react'
import type { MutationOutcome } from '../core/queue-state.ts'
import type { SendResult } from '../sync/send-result.ts'
import type { IntentionView } from './space-parts.ts'
import { useOwnPresence } from './use-own-presence.ts'
import { type HereView, type PresenceOptions, type SpacePresenceView, useSpacePresence } from './use-presence.ts'
import { type SayOptions, useSay } from './use-say.ts'
import { type ConversationView, useIntention, useSpaceIntentions } from './use-space.ts'
import { useSuspenseSpaceIntentions, useSuspenseSpacePresence } from './use-suspended.ts'

/** How an app's own types are read from what arrives; undefined for what is none of them. */
export interface TypeReaders<Node extends { type: string }, State extends object> {
  /** A node of content, as `(node) => nodeSchema.safeParse(node).data`. */
  node: (node: JsonObject) => Node | undefined
  /** What somebody shows of themselves. */
  state: (state: JsonObject) => State | undefined
}

export type TypedIntention<Node> = Omit<IntentionView, 'content'> & {
  content: readonly (string | Node)[]
  /** Nodes that are none of the app's, left out of `content`: of another version, most likely. */
  unknownNodes: readonly JsonObject[]
}

export type TypedConversation<Node> = Omit<ConversationView, 'intentions'> & {
  intentions: readonly TypedIntention<Node>[]
}

export type TypedHere<State> = Omit<HereView, 'state'> & {
  /** undefined where it set nothing, or what is none of the app's. */
  state: State | undefined
}

export type TypedPresence<State> = Omit<SpacePresenceView, 'here'> & { here: readonly TypedHere<State>[] }

export interface TypedHooks<Node extends { type: string }, State extends object> {
  useSpaceIntentions(space: SpaceId): TypedConversation<Node>
  useSuspenseSpaceIntentions(space: SpaceId): TypedConversation<Node>
  useIntention(space: SpaceId, id: string): TypedIntention<Node> | undefined
  useSay(space: SpaceId, options?: SayOptions): (said: string | readonly (string | Node)[]) => Promise<MutationOutcome>
  useSpacePresence(space: SpaceId, options?: PresenceOptions): TypedPresence<State>
  useSuspenseSpacePresence(space: SpaceId, options?: PresenceOptions): TypedPresence<State>
  useOwnPresence(space: SpaceId): readonly [State | undefined, (state: State) => SendResult]
}

/** The same for the same, so that what was typed once keeps its identity. */
function remembering<From extends object, To>(read: (from: From) => To): (from: From) => To {
  const known = new WeakMap<From, { to: To }>()
  return (from) => {
    const found = known.get(from) ?? { to: read(from) }
    known.set(from, found)
    return found.to
  }
}

const toJson = (value: object): JsonObject => ({ ...value })

/** The hooks with an app's own types: made once, where the app begins. */
export function typedHooks<Node extends { type: string }, State extends object>(
  readers: TypeReaders<Node, State>,
): TypedHooks<Node, State> {
  const nodeOf = remembering(readers.node)
  const stateOf = remembering(readers.state)

  const typedIntention = remembering((intention: IntentionView): TypedIntention<Node> => {
    const content: (string | Node)[] = []
    const unknownNodes: JsonObject[] = []
    for (const item of intention.content) {
      const node = typeof item === 'string' ? item : nodeOf(item)
      if (node !== undefined) content.push(node)
      else if (typeof item !== 'string') unknownNodes.push(item)
    }
    return { ...intention, content, unknownNodes }
  })
  const typedConversation = remembering((view: ConversationView): TypedConversation<Node> => {
    return { ...view, intentions: view.intentions.map(typedIntention) }
  })
  const typedHere = remembering((one: HereView): TypedHere<State> => ({ ...one, state: stateOf(one.state) }))
  const typedPresence = remembering((view: SpacePresenceView): TypedPresence<State> => {
    return { ...view, here: view.here.map(typedHere) }
  })

  return {
    useSpaceIntentions: (space) => typedConversation(useSpaceIntentions(space)),
    useSuspenseSpaceIntentions: (space) => typedConversation(useSuspenseSpaceIntentions(space)),
    useIntention(space, id) {
      const view = useIntention(space, id)
      return view && typedIntention(view)
    },
    useSay(space, options) {
      const say = useSay(space, options)
      return useMemo(() => (said) => say(typeof said === 'string' ? said : said.map(itemOf)), [say])
    },
    useSpacePresence: (space, options) => typedPresence(useSpacePresence(space, options)),
    useSuspenseSpacePresence: (space, options) => typedPresence(useSuspenseSpacePresence(space, options)),
    useOwnPresence(space) {
      const [state, set] = useOwnPresence(space)
      return useMemo(() => [stateOf(state), (next) => set(toJson(next))], [state, set])
    },
  }
}

const itemOf = (item: string | object): Content[number] => (typeof item === 'string' ? item : toJson(item))
