/** Small words of the page beside a name, that no name and no status can look like. */
import type { BeingType, Role } from '@rhizom/protocol'

export type Tag = Role | BeingType

export function Tags({ of }: { of: readonly (Tag | undefined)[] }) {
  return of.map(
    (tag) =>
      tag !== undefined && (
        <span key={tag} className="role">
          {tag}
        </span>
      ),
  )
}

/** Undefined for people, of whom it goes without saying. */
export const kindOf = (type: BeingType | undefined): BeingType | undefined => (type === 'guest' ? undefined : type)
