/** Those located in the space. */
import type { Being, BeingId, Role } from '@rhizom/protocol'
import { useRhizom } from '@rhizom/client/react'
import { Avatar } from '../avatar.tsx'

interface Props {
  beings: readonly Being[]
  count: number
  members: Readonly<Record<BeingId, Role>> | null
}

export function BeingList({ beings, count, members }: Props) {
  const { being: self } = useRhizom().session()
  return (
    <aside className="beings" aria-label="In this space">
      <h2>
        In this space <span className="count">{count}</span>
      </h2>
      <ul>
        {beings.map(({ id, name, type }) => (
          <li key={id} className="being" data-testid="member" data-being={id}>
            <Avatar id={id} name={name} size={28} />
            <span className="being-text">
              <span className="ellipsis">
                {name}
                {id === self.id && <span className="quiet"> (you)</span>}
              </span>
              <span className="quiet tiny-text ellipsis">
                {[id, type !== 'guest' && type, members?.[id]].filter(Boolean).join(' · ')}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {beings.length === 0 && <p className="quiet small-text">Nobody is here.</p>}
      {count > beings.length && <p className="quiet small-text">and {count - beings.length} more</p>}
    </aside>
  )
}
