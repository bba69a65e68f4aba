/** Ids that the client makes. */

let lastMs = 0
/** Which one it is of those of its millisecond, so that ids sort in the order they were made. */
let count = 0

/** A new id for an intention or a mutation: a uuid of version 7, which sorts by time. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const nowMs = Date.now()
  // A date that was set back, and more in a millisecond than twelve bits count, go on from the last.
  count = nowMs > lastMs ? (bytes[6] ?? 0) : count + 1
  lastMs = Math.max(lastMs, nowMs) + (count >> 12)
  count &= 0xfff
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const time = lastMs.toString(16).padStart(12, '0')
  const variant = (((bytes[8] ?? 0) & 0x3f) | 0x80).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${variant}${random.slice(18, 20)}-${random.slice(20)}`
}
