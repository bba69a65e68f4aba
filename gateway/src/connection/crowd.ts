/** How many connections each being has through this gateway: people are counted, whatever addresses they come from. */
import type { BeingId } from '@rhizom/protocol'

export class Crowd<Connection> {
  readonly #most: number
  readonly #beings = new Map<Connection, BeingId>()
  readonly #counts = new Map<BeingId, number>()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#counts.size
  }

  /** False if it has as many as it may have. */
  enter(connection: Connection, being: BeingId): boolean {
    const count = this.#counts.get(being) ?? 0
    if (count >= this.#most) return false
    this.#beings.set(connection, being)
    this.#counts.set(being, count + 1)
    return true
  }

  leave(connection: Connection): void {
    const being = this.#beings.get(connection)
    if (being === undefined) return
    this.#beings.delete(connection)
    const count = (this.#counts.get(being) ?? 0) - 1
    if (count > 0) this.#counts.set(being, count)
    else this.#counts.delete(being)
  }
}
