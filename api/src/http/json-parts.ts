/**
 * How much a parser has to make of a text: objects, arrays and keys, counted on the text. Each costs a parser far more
 * than the bytes it is written with: a mebibyte of empty arrays is half a million of them, and stops a process for a
 * tenth of a second before anything could look at the result.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPENING_BRACKET = 0x5b
const OPENING_BRACE = 0x7b

/** In one pass over every character, whose cost does not depend on what stands there. A short text holds no more. */
export function hasMorePartsThan(text: string, max: number): boolean {
  if (text.length <= max) return false
  let parts = 0
  let isInString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === QUOTE) isInString = false
      else if (code === BACKSLASH) at += 1
    } else if (code === QUOTE) isInString = true
    else if (code === OPENING_BRACKET || code === OPENING_BRACE || code === COLON) {
      parts += 1
      if (parts > max) return true
    }
  }
  return false
}
