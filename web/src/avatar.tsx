/** A being as a coloured disc: the same colour for the same id on every screen. */
import type { BeingId } from '@rhizom/protocol'
import type { CSSProperties } from 'react'
import { shownName } from './foreign-text.ts'

/** Hues that stand well beside each other, under white letters. */
const HUES = [20, 45, 70, 150, 175, 200, 235, 260, 285, 310, 335, 355]

function hueOf(id: string): number {
  // FNV-1a, so that ids that differ in one letter lie far apart on the wheel.
  let hash = 0x811c9dc5
  for (const char of id) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return HUES[hash % HUES.length] ?? 0
}

/** Undefined in browsers that came before it, which show the first character instead. */
const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter() : undefined

/** The first letter as a person sees it, which may be several characters. */
const firstLetterOf = (word: string): string =>
  (segmenter === undefined ? Array.from(word)[0] : segmenter.segment(word)[Symbol.iterator]().next().value?.segment) ??
  ''

/** Of an id that stands in for a name, what follows the @. */
const initialsOf = (name: string): string =>
  name.replace(/^@/, '').trim().split(/\s+/).slice(0, 2).map(firstLetterOf).join('').toUpperCase()

export function Avatar({ id, name, size = 32 }: { id: BeingId; name: string; size?: number }) {
  return (
    <span
      className="avatar"
      aria-hidden="true"
      style={{ '--hue': hueOf(id), width: size, height: size, fontSize: size * 0.38 } as CSSProperties}
    >
      {initialsOf(shownName({ id, name }))}
    </span>
  )
}
