/**
 * Looks at all that a page shows, as it shows it: what is confirmed is what the log says, what one wrote oneself does
 * not flicker, no text is doubled, and nothing that is there goes before its space is closed.
 */
import type { BeingId, MutationId, SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../../client/src/core/space-content.ts'
import type { SpaceState } from '../../client/src/core/space-state.ts'
import type { ApiModel } from './api-model.ts'
import type { Oracle } from './oracle.ts'
import type { PageLedger } from './page-ledger.ts'

interface Ports {
  api: ApiModel
  oracle: Oracle
  ledger: PageLedger
}

interface Shown {
  content: SpaceContent | undefined
  /** The last content in which nothing was pending. */
  confirmed: SpaceContent | undefined
  /** Of one's own, those that were in the view. */
  seen: Set<string>
  hasAsked: boolean
  /** It was closed since. */
  isLost: boolean
}

export class PageView {
  readonly #name: string
  readonly #being: BeingId
  readonly #ports: Ports
  readonly #spaces = new Map<SpaceId, Shown>()
  /** Of each space what was said here: the id of the mutation, by that of the intention. */
  readonly #said = new Map<SpaceId, Map<string, MutationId>>()
  readonly #appended = new Map<SpaceId, string[]>()

  constructor(name: string, being: BeingId, ports: Ports) {
    this.#name = name
    this.#being = being
    this.#ports = ports
  }

  said(space: SpaceId, intention: string, mutation: MutationId): void {
    this.#said.set(space, (this.#said.get(space) ?? new Map<string, MutationId>()).set(intention, mutation))
  }

  appended(space: SpaceId, text: string): void {
    this.#appended.set(space, [...(this.#appended.get(space) ?? []), text])
  }

  hasShown = (space: SpaceId): boolean => this.#spaces.get(space)?.content !== undefined
  isLost = (space: SpaceId): boolean => this.#spaces.get(space)?.isLost === true

  /** Whether it is asked for the first time. */
  firstAsk(space: SpaceId): boolean {
    const shown = this.#of(space)
    const isFirst = !shown.hasAsked
    shown.hasAsked = true
    return isFirst
  }

  shows(space: SpaceId, { content, subscription }: SpaceState): void {
    const { oracle } = this.#ports
    const shown = this.#of(space)
    if (subscription.status === 'closed') shown.isLost = true
    if (content === shown.content) return
    const before = shown.content
    shown.content = content
    if (content === undefined) {
      shown.seen.clear()
      shown.confirmed = undefined
      if (before !== undefined && subscription.status !== 'closed')
        oracle.fail('S30', `${this.#name} shows nothing of ${space} any more, which is ${subscription.status}`)
      return
    }
    if (before !== undefined && before.position.epoch !== content.position.epoch) shown.seen.clear()
    if (content.pending === undefined) {
      oracle.contentChanged(this.#name, space, shown.confirmed, content)
      shown.confirmed = content
    }
    this.#compare(space, shown, content)
  }

  #of(space: SpaceId): Shown {
    const shown = this.#spaces.get(space) ?? {
      content: undefined,
      confirmed: undefined,
      seen: new Set(),
      hasAsked: false,
      isLost: false,
    }
    this.#spaces.set(space, shown)
    return shown
  }

  #compare(space: SpaceId, { seen }: Shown, content: SpaceContent): void {
    const { oracle, ledger } = this.#ports
    const ids = new Set(content.intentions.map(({ id }) => id))
    if (ids.size !== content.intentions.length) oracle.fail('S30', `${this.#name} shows something twice in ${space}`)
    for (const [intention, mutation] of this.#said.get(space) ?? []) {
      if (ids.has(intention)) seen.add(intention)
      else if (seen.delete(intention) && !this.#mayGo(space, intention, mutation, content))
        oracle.fail('S30', `${this.#name} no longer shows ${ledger.asked.get(mutation)?.text} in ${space}`)
    }
    const appended = this.#appended.get(space) ?? []
    if (appended.length === 0) return
    const text = JSON.stringify(content.intentions.map((one) => one.content))
    for (const one of appended)
      if (text.split(one).length > 2) oracle.fail('S30', `${this.#name} shows ${one} twice in ${space}`)
  }

  /** It was refused or taken back, somebody removed it, or oneself may no longer write. */
  #mayGo(space: SpaceId, intention: string, mutation: MutationId, { position }: SpaceContent): boolean {
    const asked = this.#ports.ledger.asked.get(mutation)
    if (asked === undefined || asked.state === 'refused' || asked.isCancelled || asked.isExcused) return true
    const { current, histories } = this.#ports.api.space(space)
    // An answer does not say of which history it is: to a page that is in a former one it may be that of another.
    if (current.epoch !== position.epoch) return true
    const history = histories.get(position.epoch)
    if (history?.changes.some(({ kind, body }) => kind === 'intention.remove' && 'id' in body && body.id === intention))
      return true
    const told = history?.at(position.version)
    const role = told?.members.get(this.#being)
    return told === undefined || role === 'viewer' || (role === undefined && told.visibility === 'private')
  }
}
