/** All feeds of a gateway: one per watched space, made when somebody asks for it and gone when it closes. */
import type { Heads, Position, SpaceId } from '@rhizom/protocol'
import { HeadWatch, type HeadWatchDeps } from '../api/head-watch.ts'
import { SpaceChannel, type SpaceChannelPorts, type Watcher } from './space-channel.ts'

export type SpacesPorts = Omit<SpaceChannelPorts, 'checkHead' | 'closed' | 'settings'> & {
  feed: SpaceChannelPorts['settings']
  headsPoll: HeadWatchDeps['settings']
}

export class Spaces {
  readonly #ports: SpacesPorts
  readonly #feeds = new Map<SpaceId, SpaceChannel>()
  readonly #headWatch: HeadWatch

  constructor(ports: SpacesPorts) {
    this.#ports = ports
    const { clock, random, reader, wall, headsPoll, metrics } = ports
    this.#headWatch = new HeadWatch({
      clock,
      random,
      reader,
      wall,
      settings: headsPoll,
      watched: () => [...this.#feeds.keys()],
      learned: (space, position) => this.#learned(space, position),
      polled: (outcome) => metrics.headsPolls.inc({ outcome }),
    })
  }

  get size(): number {
    return this.#feeds.size
  }

  get parked(): number {
    let parked = 0
    for (const feed of this.#feeds.values()) parked += feed.parked
    return parked
  }

  watch(space: SpaceId, watcher: Watcher, position: Position | undefined): void {
    this.#feedOf(space).subscribe(watcher, position)
  }

  unwatch(space: SpaceId, watcher: number): void {
    this.#feeds.get(space)?.leave(watcher)
  }

  /** The version up to which the followers of a space were sent everything. */
  sentVersion(space: SpaceId): number | undefined {
    return this.#feeds.get(space)?.sentVersion
  }

  joined(space: SpaceId): void {
    this.#feeds.get(space)?.dispatch({ type: 'channelJoined' })
  }

  message(space: SpaceId, message: Uint8Array): void {
    this.#feeds.get(space)?.message(message)
  }

  heads(heads: Heads): void {
    for (const [space, position] of Object.entries(heads)) this.#learned(space, position)
  }

  lost(): void {
    for (const feed of this.#feeds.values()) feed.dispatch({ type: 'channelLost' })
    this.#headWatch.dispatch({ type: 'busLost' })
  }

  recovered(): void {
    this.#headWatch.dispatch({ type: 'busRecovered' })
  }

  stop(): void {
    this.#headWatch.stop()
    for (const feed of this.#feeds.values()) feed.stop()
    this.#feeds.clear()
  }

  #learned(space: SpaceId, position: Position | undefined): void {
    this.#feeds
      .get(space)
      ?.dispatch(position === undefined ? { type: 'headMissing' } : { type: 'headLearned', position })
  }

  #feedOf(space: SpaceId): SpaceChannel {
    const known = this.#feeds.get(space)
    if (known !== undefined) return known
    const { feed: settings, ...ports } = this.#ports
    const feed: SpaceChannel = new SpaceChannel(space, {
      ...ports,
      settings,
      checkHead: () => this.#headWatch.dispatch({ type: 'checkWanted' }),
      closed: () => {
        if (this.#feeds.get(space) === feed) this.#feeds.delete(space)
      },
    })
    this.#feeds.set(space, feed)
    return feed
  }
}
