/**
 * What the followers of this gateway were told last: for each being the news of its spaces, for each space who
 * follows it and how far it is known to have moved. Changed in place, as it may hold many. Of a being it holds as many
 * spaces as `LIMITS.maxNewsSpaces`, and nothing once nobody follows for it.
 */
import {
  type BeingId,
  type Epoch,
  isBehind,
  LIMITS,
  type News,
  type NewsAnswer,
  type NewsFrame,
  type Position,
  type SpaceId,
} from '@rhizom/protocol'

interface Told {
  /** Undefined until it was answered for the first time. */
  spaces: Map<SpaceId, News> | undefined
  hasMore: boolean
}

interface Followed {
  followers: Set<BeingId>
  /** The furthest version that was told or announced, and the epoch of the latest announcement. */
  version: number
  epoch: Epoch | undefined
}

export interface Learned {
  /** What is to be told of it, if anything. */
  frame: NewsFrame | undefined
  /** What was answered before it moved further: to be asked about again. */
  outdated: readonly SpaceId[]
  /** What had moved further than was known: its other followers are to be asked about. */
  moved: readonly SpaceId[]
  /** There is more than is held: to be asked for all again. */
  isFull: boolean
}

export class NewsBook {
  readonly #beings = new Map<BeingId, Told>()
  readonly #spaces = new Map<SpaceId, Followed>()

  get beings(): Iterable<BeingId> {
    return this.#beings.keys()
  }

  get spaces(): Iterable<SpaceId> {
    return this.#spaces.keys()
  }

  get size(): number {
    return this.#beings.size
  }

  isFollowed(being: BeingId): boolean {
    return this.#beings.has(being)
  }

  isAnswered(being: BeingId): boolean {
    return this.#beings.get(being)?.spaces !== undefined
  }

  followersOf(space: SpaceId): Iterable<BeingId> {
    return this.#spaces.get(space)?.followers ?? []
  }

  /** Those whose news of a space are older than where it is known to stand. */
  behindIn(space: SpaceId): BeingId[] {
    const followed = this.#spaces.get(space)
    if (followed === undefined) return []
    const isBehind = (being: BeingId): boolean =>
      (this.#beings.get(being)?.spaces?.get(space)?.version ?? 0) < followed.version
    return [...followed.followers].filter(isBehind)
  }

  follow(being: BeingId): void {
    if (!this.#beings.has(being)) this.#beings.set(being, { spaces: undefined, hasMore: false })
  }

  unfollow(being: BeingId): void {
    for (const space of this.#beings.get(being)?.spaces?.keys() ?? []) this.#leave(being, space)
    this.#beings.delete(being)
  }

  /** All that is known of a being; undefined while nothing is. */
  whole(being: BeingId): NewsFrame | undefined {
    const told = this.#beings.get(being)
    if (told?.spaces === undefined) return undefined
    const spaces = Object.fromEntries(told.spaces)
    return { type: 'news', spaces, whole: true, ...(told.hasMore ? { hasMore: true } : {}) }
  }

  /** Whether who follows a space has to be asked about, for its head is another one than was known. */
  headMoved(space: SpaceId, position: Position | undefined): boolean {
    const followed = this.#spaces.get(space)
    if (followed === undefined) return false
    if (position === undefined) return true
    const { version, epoch = position.epoch } = followed
    followed.epoch = position.epoch
    if (!isBehind({ epoch, version }, position)) return false
    followed.version = position.version
    return true
  }

  /** All spaces of a being: told as a whole the first time, and by what differs later. */
  learnAll(being: BeingId, { spaces, hasMore }: NewsAnswer): Learned {
    const told = this.#beings.get(being)
    if (told === undefined) return NOTHING
    const isFirst = told.spaces === undefined
    told.hasMore = hasMore
    const lost = [...(told.spaces?.keys() ?? [])].filter((space) => !(space in spaces))
    const learned = this.learn(being, [...lost.map((space) => [space, null] as const), ...Object.entries(spaces)])
    return isFirst ? { ...learned, frame: this.whole(being) } : learned
  }

  /** Some of its spaces. */
  learn(being: BeingId, spaces: Iterable<readonly [SpaceId, News | null]>): Learned {
    const told = this.#beings.get(being)
    if (told === undefined) return NOTHING
    const known = (told.spaces ??= new Map<SpaceId, News>())
    const differences: NewsFrame['spaces'] = {}
    const outdated: SpaceId[] = []
    const moved: SpaceId[] = []
    let isFull = false
    for (const [space, news] of spaces) {
      const before = known.get(space)
      if (news === null) {
        if (before === undefined) continue
        known.delete(space)
        this.#leave(being, space)
        differences[space] = null
      } else if (before === undefined && known.size >= LIMITS.maxNewsSpaces) isFull = true
      else {
        known.set(space, news)
        const further = this.#enter(being, space, news.version)
        if (further < 0) outdated.push(space)
        if (further > 0) moved.push(space)
        if (before === undefined || differ(before, news)) differences[space] = news
      }
    }
    const frame = Object.keys(differences).length > 0 ? ({ type: 'news', spaces: differences } as const) : undefined
    return { frame, outdated, moved, isFull }
  }

  /** By how many versions what was answered is ahead of what was known of the space; negative where it is behind. */
  #enter(being: BeingId, space: SpaceId, version: number): number {
    const followed = this.#spaces.get(space)
    if (followed === undefined) {
      this.#spaces.set(space, { followers: new Set([being]), version, epoch: undefined })
      return 0
    }
    followed.followers.add(being)
    const further = version - followed.version
    // An answer that stays behind is believed the second time: the space may have lost what was announced.
    followed.version = version
    return further
  }

  #leave(being: BeingId, space: SpaceId): void {
    const followed = this.#spaces.get(space)
    followed?.followers.delete(being)
    if (followed?.followers.size === 0) this.#spaces.delete(space)
  }
}

const NOTHING: Learned = { frame: undefined, outdated: [], moved: [], isFull: false }

const differ = (one: News, other: News): boolean =>
  one.version !== other.version || one.unread !== other.unread || one.mentions !== other.mentions
