/**
 * A frame as bytes without its closing brace. The answers to `subscribe` are kept like that: who is here changes on its
 * own, and is put behind what they hold.
 */
export interface OpenFrame {
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()

/** `json` is an object with at least one field. */
export const openFrame = (json: string): OpenFrame => ({ bytes: encoder.encode(json.slice(0, -1)) })

/** The frame with these fields behind its own. */
export const closeWith = ({ bytes }: OpenFrame, fields: object): Uint8Array =>
  concat([bytes, encoder.encode(`,${JSON.stringify(fields).slice(1)}`)])

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
