/** Places in a JSON value, to put something else there: what stands at each, and a copy with it replaced. */

export type Path = readonly (string | number)[]

export interface Place {
  path: Path
  value: unknown
}

/** Every place, the whole value first. */
export function placesOf(value: unknown, path: Path = []): Place[] {
  const here = { path, value }
  if (Array.isArray(value)) return [here, ...value.flatMap((item, index) => placesOf(item, [...path, index]))]
  if (typeof value !== 'object' || value === null) return [here]
  return [here, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))]
}

/** The same value with another one at a place. */
export function withValueAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return replacement
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === first ? withValueAt(item, rest, replacement) : item))
  if (typeof value !== 'object' || value === null) return value
  return { ...value, [first]: withValueAt(Reflect.get(value, first), rest, replacement) }
}

export function withoutKeyAt(value: unknown, path: Path): unknown {
  const parent = path.slice(0, -1)
  const key = path.at(-1)
  if (key === undefined) return value
  const holder = placesOf(value).find((place) => place.path.join('/') === parent.join('/'))?.value
  if (Array.isArray(holder))
    return withValueAt(
      value,
      parent,
      holder.filter((_, index) => index !== key),
    )
  if (typeof holder !== 'object' || holder === null) return value
  return withValueAt(value, parent, Object.fromEntries(Object.entries(holder).filter(([name]) => name !== key)))
}

/** JSON of so many arrays or objects in each other. Built as text: what builds it as a value would overflow itself. */
export function nested(depth: number, kind: 'arrays' | 'objects' | 'both' = 'arrays'): string {
  switch (kind) {
    case 'arrays':
      return '['.repeat(depth) + ']'.repeat(depth)
    case 'objects':
      return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    case 'both':
      return `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    default:
      return kind satisfies never
  }
}

const HOLE = 'a hole to be filled'

/** The text of a value with raw text at a place, whatever that text is. */
export const withTextAt = (value: unknown, path: Path, text: string): string =>
  JSON.stringify(withValueAt(value, path, HOLE)).replace(JSON.stringify(HOLE), () => text)
