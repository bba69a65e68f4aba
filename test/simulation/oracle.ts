/**
 * What must hold, looked at whenever something happens that could break it. The oracle knows the histories
 * (space-model.ts) and nothing of how the parts work. The first violation stands; the run ends after that step.
 * Rules are numbered in SPEC.md.
 */
import { type BeingId, CLOSE, type Position, type SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../../client/src/core/space-content.ts'
import { mayReadAt, pictureOf, pictureTold } from './reference.ts'
import type { History, SpaceModel } from './space-model.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Violation {
  rule: string
  text: string
}

/** No more than this many within a second: what is bounded by a backoff stays below, a loop does not. */
export const PER_SECOND = { attempts: 6, subscribes: 12, reads: 20 } as const

export class Oracle {
  violation: Violation | undefined
  /** All trouble is over and has been noticed by everybody. */
  isCalm = false
  /** Attempts to connect since somebody last began to count. */
  attempts = 0
  /** Snapshots sent since then. */
  snapshots = 0
  readonly #time: VirtualTime
  readonly #spaces: ReadonlyMap<SpaceId, SpaceModel>
  readonly #recent = new Map<string, number[]>()
  readonly #leftEpochs = new Map<string, Set<string>>()

  constructor(time: VirtualTime, spaces: ReadonlyMap<SpaceId, SpaceModel>) {
    this.#time = time
    this.#spaces = spaces
  }

  fail(rule: string, text: string): void {
    this.violation ??= { rule, text: `at ${this.#time.elapsed} ms: ${text}` }
  }

  /** A browser keeps content for the next page: it is whole, whatever was pending. */
  contentKept(browser: string, id: SpaceId, content: SpaceContent): void {
    const { epoch, version } = content.position
    const history = this.#spaces.get(id)?.histories.get(epoch)
    const told = history?.pictureAt(version)
    if (!isAsTold(content, history))
      this.fail(
        'S31',
        `${browser} keeps ${id} as of ${version}, but not what the log says\n${pictureHeld(content)}\n--- the log:\n${told}`,
      )
  }

  /** A client's confirmed content became another. */
  contentChanged(client: string, id: SpaceId, before: SpaceContent | undefined, after: SpaceContent | undefined): void {
    const key = `${client} ${id}`
    if (after === undefined) {
      this.#leftEpochs.delete(key)
      return
    }
    const { epoch, version } = after.position
    const who = `${client} holds ${id} ${epoch.slice(0, 4)}:${version}`
    const history = this.#spaces.get(id)?.histories.get(epoch)
    const told = history?.pictureAt(version)
    if (told === undefined) return this.fail('S1', `${who}, which never was`)
    if (!isAsTold(after, history))
      return this.fail('S1', `${who}, but not what the log says\n${pictureHeld(after)}\n--- the log:\n${told}`)
    if (before === undefined) return
    if (before.position.epoch === epoch) {
      if (version < before.position.version) this.fail('S2', `${who} after ${before.position.version}`)
      return
    }
    const left = this.#leftEpochs.get(key) ?? new Set()
    this.#leftEpochs.set(key, left.add(before.position.epoch))
    if (left.has(epoch)) this.fail('S2', `${who}, an epoch that it had left`)
  }

  attempted(client: string): void {
    this.attempts += 1
    const count = this.#count(`attempts ${client}`)
    if (count > PER_SECOND.attempts) this.fail('S6', `${client} tries to connect for the ${count}th time in a second`)
  }

  closed(client: string, code: number): void {
    if (this.isCalm && code === CLOSE.tokenExpired.code)
      this.fail('S6', `${client} is closed because its token ran out, though it renews tokens in time`)
  }

  subscribed(client: string, space: SpaceId): void {
    const count = this.#count(`subscribes ${client} ${space}`)
    if (count > PER_SECOND.subscribes)
      this.fail('S6', `${client} asks for ${space} for the ${count}th time in a second`)
  }

  /** `others`: how many reads of the same space by the same gateway are under way already. */
  readBegan(gateway: string, space: SpaceId, others: number): void {
    if (others > 0) this.fail('S5', `${gateway} reads ${space} twice at a time`)
    const count = this.#count(`reads ${gateway} ${space}`)
    if (count > PER_SECOND.reads) this.fail('S5', `${gateway} reads ${space} for the ${count}th time in a second`)
  }

  mayRead(being: BeingId, space: SpaceId, epoch: string, version: number): boolean {
    const told = this.#spaces.get(space)?.histories.get(epoch)?.at(version)
    return told !== undefined && mayReadAt(told, being)
  }

  /** Whether a being loses the space at that position or after it. */
  losesAccess(being: BeingId, space: SpaceId, { epoch, version }: Position): boolean {
    const model = this.#spaces.get(space)
    const history = model?.histories.get(epoch)
    if (history === undefined || history !== model?.current) return true
    return history.told.slice(version).some((told) => !mayReadAt(told, being))
  }

  /** Whether a being could read the space at every moment since then. */
  mayReadSince(being: BeingId, space: SpaceId, since: number): boolean {
    const { current, begunAt } = this.#spaces.get(space) ?? {}
    if (current === undefined || begunAt === undefined || begunAt > since) return false
    let version = current.version
    for (; version > 0; version--) {
      const told = current.at(version)
      if (told === undefined || !mayReadAt(told, being)) return false
      if ((current.changes[version - 1]?.at ?? 0) <= since) return true
    }
    return false
  }

  #count(key: string): number {
    const now = this.#time.now()
    const times = (this.#recent.get(key) ?? []).filter((at) => at > now - 1_000)
    times.push(now)
    this.#recent.set(key, times)
    return times.length
  }
}

/** What was removed later need not be said any more, by nobody who comes between. */
function isAsTold(content: SpaceContent, history: History | undefined): boolean {
  const { version } = content.position
  if (history?.pictureAt(version) === pictureHeld(content)) return true
  const told = history?.at(version)
  const removed = history?.removedAfter(version)
  if (history === undefined || told === undefined || removed === undefined || removed.size === 0) return false
  return pictureTold(told, history.space, removed) === pictureHeld(content, removed)
}

function pictureHeld(content: SpaceContent, wordless?: ReadonlySet<string>): string {
  const picture = {
    name: content.space.name,
    visibility: content.space.visibility,
    beings: Object.values(content.beings).filter(({ location }) => location === content.space.id),
    beingCount: content.beingCount,
    intentions: content.intentions,
    members: Object.entries(content.members ?? {}),
  }
  return pictureOf(picture, wordless)
}
