/** Keys that belong to writing a character from several, as in Japanese: they are the input method's and not ours. */
import type { KeyboardEvent } from 'react'

/** Safari sends the key that ends a composition after its end, marked by the code of a key that was taken. */
const TAKEN_KEY = 229

export const isOfComposition = (event: KeyboardEvent): boolean =>
  event.nativeEvent.isComposing || event.keyCode === TAKEN_KEY
