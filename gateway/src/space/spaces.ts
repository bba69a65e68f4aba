/** All watched spaces of a gateway: a channel each, made when somebody asks for it and gone when it closes. */
import type { Heads, Position, SpaceId } from '@rhizom/protocol'
import { HeadWatch, type HeadWatchDeps } from '../api/head-watch.ts'
import type { WatcherId } from '../core/feed/state.ts'
import { SpaceChannel, type SpaceChannelDeps, type Watcher } from './space-channel.ts'

export type SpacesDeps = Omit<SpaceChannelDeps, 'checkHead' | 'closed' | 'settings'> & {
  feed: SpaceChannelDeps['settings']
  headsPoll: HeadWatchDeps['settings']
  /** Of spaces that nobody watches somebody may want to know where they stand. */
  alsoWatched(): Iterable<SpaceId>
  /** Where the api says that spaces stand. */
  polledHeads(heads: Iterable<readonly [SpaceId, Position | undefined]>): void
}

export class Spaces {
  readonly #deps: SpacesDeps
  readonly #channels = new Map<SpaceId, SpaceChannel>()
  readonly #headWatch: HeadWatch

  constructor(deps: SpacesDeps) {
    this.#deps = deps
    const { clock, random, api, wall, headsPoll, metrics } = deps
    this.#headWatch = new HeadWatch({
      clock,
      random,
      api,
      wall,
      settings: headsPoll,
      watched: () => [...new Set([...this.#channels.keys(), ...deps.alsoWatched()])],
      learned: (space, position) => {
        this.#learned(space, position)
        deps.polledHeads([[space, position]])
      },
      polled: (outcome) => metrics.headsPolls.inc({ outcome }),
    })
  }

  get size(): number {
    return this.#channels.size
  }

  get parked(): number {
    let parked = 0
    for (const channel of this.#channels.values()) parked += channel.parked
    return parked
  }

  watch(space: SpaceId, watcher: Watcher, position: Position | undefined): void {
    this.#channelOf(space).subscribe(watcher, position)
  }

  unwatch(space: SpaceId, watcher: WatcherId): void {
    this.#channels.get(space)?.leave(watcher)
  }

  /**
   * Lets go of so many bytes that the log can give again, where there are: first of spaces that nobody watches, then of
   * those that hold most, so that whoever fills a few spaces costs no others their rings. Says of how many.
   */
  release(bytes: number): number {
    const holding = [...this.#channels.values()].filter(({ heldBytes }) => heldBytes > 0)
    holding.sort((one, other) => Number(one.isWatched) - Number(other.isWatched) || other.heldBytes - one.heldBytes)
    let released = 0
    for (const channel of holding) {
      if (released >= bytes) break
      released += channel.lighten()
    }
    return released
  }

  /** The version up to which the followers of a space were sent everything. */
  sentVersion(space: SpaceId): number | undefined {
    return this.#channels.get(space)?.sentVersion
  }

  joined(space: SpaceId): void {
    this.#channels.get(space)?.dispatch({ type: 'channelJoined' })
  }

  message(space: SpaceId, message: Uint8Array): void {
    this.#channels.get(space)?.message(message)
  }

  heads(heads: Heads): void {
    for (const [space, position] of Object.entries(heads)) this.#learned(space, position)
  }

  lost(): void {
    for (const channel of this.#channels.values()) channel.dispatch({ type: 'channelLost' })
    this.#headWatch.dispatch({ type: 'busLost' })
  }

  recovered(): void {
    this.#headWatch.dispatch({ type: 'busRecovered' })
  }

  stop(): void {
    this.#headWatch.stop()
    for (const channel of this.#channels.values()) channel.stop()
    this.#channels.clear()
  }

  #learned(space: SpaceId, position: Position | undefined): void {
    this.#channels
      .get(space)
      ?.dispatch(position === undefined ? { type: 'headMissing' } : { type: 'headLearned', position })
  }

  #channelOf(space: SpaceId): SpaceChannel {
    const known = this.#channels.get(space)
    if (known !== undefined) return known
    const { feed: settings, ...deps } = this.#deps
    const channel: SpaceChannel = new SpaceChannel(space, {
      ...deps,
      settings,
      checkHead: () => this.#headWatch.dispatch({ type: 'checkWanted' }),
      closed: () => {
        if (this.#channels.get(space) === channel) this.#channels.delete(space)
      },
    })
    this.#channels.set(space, channel)
    return channel
  }
}
