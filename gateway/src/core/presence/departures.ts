/**
 * Whose leaving of one space this gateway reports: those who were here through it, or through a gateway that it found
 * dead. When each was seen last is kept until it is known whether they left at all, or are here through others.
 */
import type { BeingId } from '@rhizom/protocol'

export class Departures {
  readonly #tracked = new Set<BeingId>()
  readonly #lastSeen = new Map<BeingId, number>()

  /** It is here through us. */
  track(being: BeingId): void {
    this.#tracked.add(being)
  }

  /** Its last connection somewhere went, at this time. */
  seen(being: BeingId, at: number): void {
    this.#lastSeen.set(being, Math.max(at, this.#lastSeen.get(being) ?? 0))
  }

  /** Nobody else is left to report it. */
  lost(being: BeingId, at: number): void {
    this.seen(being, at)
    this.track(being)
  }

  /** Those of `changed` that are not here any more and are ours to report. */
  takeGone(
    changed: readonly BeingId[],
    isHere: (being: BeingId) => boolean,
    now: number,
  ): { being: BeingId; at: number }[] {
    const gone: { being: BeingId; at: number }[] = []
    for (const being of changed) {
      const at = this.#lastSeen.get(being) ?? now
      this.#lastSeen.delete(being)
      if (!isHere(being) && this.#tracked.delete(being)) gone.push({ being, at })
    }
    return gone
  }

  /** What others did is not heard of any more. */
  forgetTimes(): void {
    this.#lastSeen.clear()
  }
}
