/**
 * Bytes to all who follow one space. The first frame after quiet goes at once; those that come within the window
 * after it are joined, one a line, and go together. A batch is encoded once and sent in a plain loop, because a loop
 * learns the fate of each message, and uWebSockets' own publish does not tell whose socket lost one.
 */
import type { Cancel, Clock } from '@rhizom/machine'

export interface Follower {
  readonly id: number
  live(batch: Uint8Array): void
}

export interface FanOutSettings {
  windowMs: number
  /** A batch is not grown beyond this; it goes before its window ends. */
  maxBatchBytes: number
}

/** A frame that waits, and the version after it if it carries changes. */
interface Pending {
  frame: Uint8Array
  version: number | undefined
}

const NEWLINE = 0x0a

/** Frames joined into one message, one a line. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  const [only] = frames
  if (frames.length === 1 && only !== undefined) return only
  const joined = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length + 1, -1))
  let at = 0
  for (const frame of frames) {
    if (at > 0) joined[at++] = NEWLINE
    joined.set(frame, at)
    at += frame.length
  }
  return joined
}

export class FanOut<F extends Follower> {
  readonly #clock: Clock
  readonly #settings: FanOutSettings
  readonly #onBatch: (frames: number, followers: number, bytes: number) => void
  readonly #followers = new Map<number, F>()
  /** Joined while frames were pending: they get only those that came after them. */
  readonly #late = new Map<number, number>()
  #pending: Pending[] = []
  #pendingBytes = 0
  #window: Cancel | undefined
  #sentVersion: number | undefined

  constructor(
    clock: Clock,
    settings: FanOutSettings,
    onBatch: (frames: number, followers: number, bytes: number) => void = () => {},
  ) {
    this.#clock = clock
    this.#settings = settings
    this.#onBatch = onBatch
  }

  get size(): number {
    return this.#followers.size
  }

  /** The version up to which everything was sent, once something was. */
  get sentVersion(): number | undefined {
    return this.#sentVersion
  }

  /** Whether a change waits to be sent. */
  get isPending(): boolean {
    return this.#pending.some(({ version }) => version !== undefined)
  }

  /** The followers were sent everything up to this version another way, maybe of another history. */
  sentUpTo(version: number): void {
    this.#sentVersion = version
  }

  followers(): F[] {
    return [...this.#followers.values()]
  }

  /** From here on the follower gets every frame; what is pending is in the answer it was just given. */
  join(follower: F): void {
    this.#followers.set(follower.id, follower)
    if (this.#pending.length > 0) this.#late.set(follower.id, this.#pending.length)
  }

  leave(id: number): void {
    this.#late.delete(id)
    this.#followers.delete(id)
  }

  push(frame: Uint8Array, version?: number): void {
    this.#pending.push({ frame, version })
    this.#pendingBytes += frame.length
    if (this.#window === undefined || this.#pendingBytes >= this.#settings.maxBatchBytes) this.flush()
  }

  /** Sends what is pending and opens a window for what comes next. */
  flush(): void {
    if (this.#pending.length === 0) return
    const pending = this.#pending
    const late = new Map(this.#late)
    this.#pending = []
    this.#pendingBytes = 0
    this.#late.clear()
    this.#window ??= this.#clock.after(this.#settings.windowMs, () => this.#windowEnded())
    for (const { version } of pending) if (version !== undefined) this.#sentVersion = version
    const batch = joinFrames(pending.map(({ frame }) => frame))
    this.#onBatch(pending.length, this.#followers.size, batch.length)
    const tails = new Map<number, Uint8Array>()
    for (const follower of this.#followers.values()) {
      const from = late.get(follower.id)
      if (from === undefined) follower.live(batch)
      else if (from < pending.length) follower.live(tailFrom(pending, from, tails))
    }
  }

  stop(): void {
    this.#window?.()
    this.#window = undefined
    this.#pending = []
  }

  #windowEnded(): void {
    this.#window = undefined
    this.flush()
  }
}

function tailFrom(pending: readonly Pending[], from: number, made: Map<number, Uint8Array>): Uint8Array {
  const known = made.get(from)
  if (known !== undefined) return known
  const tail = joinFrames(pending.slice(from).map(({ frame }) => frame))
  made.set(from, tail)
  return tail
}
