/** One person in the list of people: who, how they are, and since when or until when they were here. */
import type { AwayView, HereView } from '@rhizom/client/react'
import { useRhizom } from '@rhizom/client/react'
import type { BeingId, Role } from '@rhizom/protocol'
import { Avatar } from '../avatar.tsx'
import { hereFor, lastSeen } from './duration.ts'
import { isAway, statusLineOf } from './state.ts'

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export type Mark = 'here' | 'idle' | 'away'

export const markOf = ({ state }: HereView): Mark => (isAway(state) ? 'idle' : 'here')

export function MarkedAvatar({ id, name, mark, size }: { id: BeingId; name: string; mark: Mark; size: number }) {
  return (
    <span className="presence-mark" data-mark={mark}>
      <Avatar id={id} name={name} size={size} />
    </span>
  )
}

interface HereProps {
  one: HereView
  isLocated: boolean
  role: Role | undefined
  nowMs: number
}

export function HereItem({ one, isLocated, role, nowMs }: HereProps) {
  const { being, entity, state, since } = one
  const mark = markOf(one)
  const visiting = entity !== null && !isLocated && 'visiting'
  const note = noteOf(mark === 'idle' && 'away', hereFor(nowMs - since), visiting, role)
  return (
    <li
      className="presence-item"
      data-testid="presence-here"
      data-being={being}
      data-state={isAway(state) ? 'away' : 'here'}
    >
      <div className="being" {...(isLocated ? { 'data-testid': 'member' } : {})}>
        <Row
          id={being}
          name={entity?.name ?? being}
          mark={mark}
          status={statusLineOf(state)}
          note={note}
          exactly={`here since ${clock.format(since)}`}
        />
      </div>
    </li>
  )
}

export function AwayItem({ one, role, nowMs }: { one: AwayView; role: Role | undefined; nowMs: number }) {
  const { being, entity, lastSeenAt } = one
  // Bots and documents are never here: that they are not says nothing.
  const kind = entity.type === 'guest' ? null : entity.type
  const seen = lastSeenAt === null ? kind === null && 'not seen yet' : lastSeen(nowMs - lastSeenAt)
  return (
    <li className="presence-item" data-testid="presence-away" data-being={being}>
      <div className="being" data-testid="member">
        <Row
          id={being}
          name={entity.name}
          mark="away"
          status={null}
          note={noteOf(kind, seen, role)}
          {...(lastSeenAt === null ? {} : { exactly: `last seen ${clock.format(lastSeenAt)}` })}
        />
      </div>
    </li>
  )
}

interface RowProps {
  id: BeingId
  name: string
  mark: Mark
  status: string | null
  note: string
  /** The moment that the note puts roughly. */
  exactly?: string
}

function Row({ id, name, mark, status, note, exactly }: RowProps) {
  const { being: self } = useRhizom().session()
  return (
    <>
      <MarkedAvatar id={id} name={name} mark={mark} size={28} />
      <span className="being-text">
        <span className="being-name">
          <bdi className="ellipsis" title={`${name} · ${id}`}>
            {name}
          </bdi>
          {id === self.id && <span className="quiet"> (you)</span>}
        </span>
        {status !== null && (
          <bdi className="small-text ellipsis" title={status}>
            {status}
          </bdi>
        )}
        <span className="quiet tiny-text" title={exactly}>
          {note}
        </span>
      </span>
    </>
  )
}

const noteOf = (...parts: (string | null | undefined | false)[]): string => parts.filter(Boolean).join(' · ')
