/**
 * Who is here now, and who is located here but away. Being located in a space is a fact of the space; being here is
 * having it open. Those who look from outside are here as well, and marked as such.
 */
import type { AwayView, HereView, SpacePresenceView } from '@rhizom/client/react'
import { useRhizom } from '@rhizom/client/react'
import type { BeingId, Role, SpaceId } from '@rhizom/protocol'
import { type ReactNode, useState } from 'react'
import { Avatar } from '../avatar.tsx'
import { hereFor, lastSeen } from './duration.ts'
import { isAway, statusLineOf } from './state.ts'
import { useNow } from './use-now.ts'

/** More than these are shown on demand: nobody reads two hundred names by accident. */
const SHOWN_AT_FIRST = 50
const TICK_MS = 15_000

interface Props {
  space: SpaceId
  presence: SpacePresenceView
  /** How many are located in the space. */
  locatedCount: number
  members: Readonly<Record<BeingId, Role>> | null
}

export function PresenceList({ space, presence, locatedCount, members }: Props) {
  const { here, hereCount, away, isSample, frozen, stale } = presence
  const nowMs = useNow(TICK_MS)
  const [showsAll, setShowsAll] = useState(false)
  const shown = showsAll ? here : here.slice(0, SHOWN_AT_FIRST)
  const listed = shown.length < hereCount ? `, showing ${shown.length}` : ''
  return (
    <aside className="presence" aria-label="People" data-stale={stale} data-frozen={frozen}>
      <header className="presence-head">
        <h2>Here now</h2>
        <Doubt frozen={frozen} stale={stale} />
        <span className="presence-count" data-testid="presence-count">
          {hereCount} here{listed}
        </span>
      </header>
      <ul>
        {shown.map((one) => (
          <HereItem
            key={one.being}
            one={one}
            isLocated={one.entity?.location === space}
            role={members?.[one.being]}
            nowMs={nowMs}
          />
        ))}
      </ul>
      {here.length === 0 && !stale && <p className="quiet small-text">Nobody has this space open.</p>}
      {here.length > SHOWN_AT_FIRST && (
        <button type="button" className="link small-text" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? 'Show fewer' : `Show ${here.length - SHOWN_AT_FIRST} more`}
        </button>
      )}
      {isSample && (
        <p className="quiet small-text" data-testid="presence-sample">
          {locatedCount} are at home in this space. With so many, only some of those who are here are listed.
        </p>
      )}
      {away.length > 0 && (
        <>
          <h2 className="presence-away-head">
            Away <span className="count">{away.length}</span>
          </h2>
          <ul>
            {away.map((one) => (
              <AwayItem key={one.being} one={one} role={members?.[one.being]} nowMs={nowMs} />
            ))}
          </ul>
        </>
      )}
    </aside>
  )
}

/** Says plainly when the list may not be what is. Its place is always there, so that nothing moves when it fills. */
function Doubt({ frozen, stale }: { frozen: boolean; stale: boolean }) {
  return (
    <p className="presence-doubt tiny-text" role="status">
      {stale ? (
        <span data-testid="presence-stale" title="There is no connection. This is who was here before.">
          Last known
        </span>
      ) : (
        frozen && (
          <span data-testid="presence-frozen" title="Who comes and goes cannot be known right now.">
            Frozen, last known
          </span>
        )
      )}
    </p>
  )
}

interface RowProps {
  id: BeingId
  name: string
  note: ReactNode
  mark: 'here' | 'idle' | 'away'
}

function Row({ id, name, note, mark }: RowProps) {
  const { being: self } = useRhizom().session()
  return (
    <>
      <span className="presence-mark" data-mark={mark}>
        <Avatar id={id} name={name} size={28} />
      </span>
      <span className="being-text">
        <span className="ellipsis" title={id}>
          {name}
          {id === self.id && <span className="quiet"> (you)</span>}
        </span>
        <span className="quiet tiny-text ellipsis">{note}</span>
      </span>
    </>
  )
}

const noteOf = (...parts: (string | null | undefined | false)[]): string => parts.filter(Boolean).join(' · ')

interface HereProps {
  one: HereView
  isLocated: boolean
  role: Role | undefined
  nowMs: number
}

function HereItem({ one: { being, entity, state, since }, isLocated, role, nowMs }: HereProps) {
  const idle = isAway(state)
  const visiting = entity !== null && !isLocated && 'visiting'
  const note = noteOf(idle && 'away', statusLineOf(state), hereFor(nowMs - since), visiting, role)
  return (
    <li className="presence-item" data-testid="presence-here" data-being={being} data-state={idle ? 'away' : 'here'}>
      <div className="being" {...(isLocated ? { 'data-testid': 'member' } : {})}>
        <Row id={being} name={entity?.name ?? being} note={note} mark={idle ? 'idle' : 'here'} />
      </div>
    </li>
  )
}

function AwayItem({ one, role, nowMs }: { one: AwayView; role: Role | undefined; nowMs: number }) {
  const { being, entity, lastSeenAt } = one
  // Bots and documents are never here: that they are not says nothing.
  const kind = entity.type === 'guest' ? null : entity.type
  const seen = lastSeenAt === null ? kind === null && 'not seen yet' : lastSeen(nowMs - lastSeenAt)
  return (
    <li className="presence-item" data-testid="presence-away" data-being={being}>
      <div className="being" data-testid="member">
        <Row id={being} name={entity.name} note={noteOf(kind, seen, role)} mark="away" />
      </div>
    </li>
  )
}
