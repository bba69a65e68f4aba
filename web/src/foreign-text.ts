/**
 * What people write, made fit to stand on a page among the words of others: names, titles, statuses, messages. All of
 * it passes here on its way to the screen, and nothing is altered but what is shown: kept and sent is what was written.
 *
 * A letter may carry any number of marks, each painted above or below the one before, and so over the neighbours. The
 * scripts of the world need few: two in Thai and in decomposed Vietnamese, three in Arabic, Greek and Tibetan, four on
 * one letter of pointed Hebrew with its accents. Burmese and Devanagari have marks with a width of their own beside
 * these, which push what follows aside and paint over nothing; they are counted for themselves, since a common
 * Burmese word has three of them and two that stack.
 */
import type { BeingId } from '@rhizom/protocol'

/** So many marks of a kind, stacking or standing, one letter shows. */
const MAX_MARKS = 4

/** Marks in a row. What has no shape of its own, as a joiner, stands between two marks without ending the row. */
const MARKS = /[\p{M}\p{Cf}\p{DI}]{5,}/gu
const STACKING = /[\p{Mn}\p{Me}]/u
const STANDING = /\p{Mc}/u

/** Marks, embeddings, overrides and isolates of writing direction. */
const DIRECTION_CONTROLS = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/**
 * One character that can be seen: no space, control or format character, no mark without a letter, none that Unicode
 * says to ignore, and none of the few that count as letters or symbols and yet have an empty shape.
 */
const VISIBLE = /[^\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{M}\p{DI}\u2800\uFFFC\u{1D159}\u{13441}\u{13442}]/u

/** A text with no more marks on one letter than scripts need. */
export const readable = (text: string): string => text.replaceAll(MARKS, withFewMarks)

function withFewMarks(row: string): string {
  let [stacking, standing] = [0, 0]
  return Array.from(row)
    .filter((char) => {
      if (STACKING.test(char)) return ++stacking <= MAX_MARKS
      if (STANDING.test(char)) return ++standing <= MAX_MARKS
      return true
    })
    .join('')
}

/** A being, which a space is as well. */
export interface Named {
  id: BeingId
  name: string
}

/** What a being is called. An id can be read in any case: it stands in for a name that cannot be seen. */
export const shownName = ({ id, name }: Named): string => (VISIBLE.test(name) ? readable(name) : id)

/**
 * A text for where no element of its own can hold it, as in a tooltip or the title of a window: in one line, and without
 * what turns the text around it. Letters keep the direction of their script.
 */
export const stripBidiControls = (text: string): string =>
  readable(text.replaceAll(DIRECTION_CONTROLS, '')).replaceAll(/\s+/gu, ' ').trim()
