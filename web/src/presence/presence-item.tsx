/**
 * One entry in the list of people: who, how they are, and since when or until when they were here. What people say
 * about themselves, their name and their status line, stands in lines of its own, so that its writing direction ends
 * with it; a status is quoted, a role is a tag, and so neither passes for the other.
 */
import type { AwayView, HereView } from '@rhizom/client/react'
import { useSession } from '@rhizom/client/react'
import type { BeingId, Role } from '@rhizom/protocol'
import { Avatar } from '../avatar.tsx'
import { stripBidiControls, readable } from '../foreign-text.ts'
import { timeIn } from '../moment.ts'
import { Name } from '../name.tsx'
import { kindOf, type Tag, Tags } from '../tags.tsx'
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
  const visiting = entity !== undefined && !isLocated && 'visiting'
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
          note={noteOf(mark === 'idle' && 'idle', hereFor(nowMs - since), visiting)}
          exactly={exactly('here since', since)}
          tags={[kindOf(entity?.type), role]}
        />
      </div>
    </li>
  )
}

export function AwayItem({ one, role, nowMs }: { one: AwayView; role: Role | undefined; nowMs: number }) {
  const { being, entity, lastSeenAt } = one
  const kind = kindOf(entity.type)
  // Bots and documents do not come: that they were not seen says nothing.
  const seen = lastSeenAt === null ? kind === undefined && 'not seen yet' : lastSeen(nowMs - lastSeenAt)
  return (
    <li className="presence-item" data-testid="presence-away" data-being={being}>
      <div className="being" data-testid="member">
        <Row
          id={being}
          name={entity.name}
          mark="away"
          status={undefined}
          note={noteOf(seen)}
          exactly={lastSeenAt === null ? undefined : exactly('last seen', lastSeenAt)}
          tags={[kind, role]}
        />
      </div>
    </li>
  )
}

function exactly(words: string, ms: number): string | undefined {
  const time = timeIn(clock, ms)
  return time === undefined ? undefined : `${words} ${time}`
}

interface RowProps {
  id: BeingId
  name: string
  mark: Mark
  status: string | undefined
  note: string
  /** The moment that the note puts roughly. */
  exactly: string | undefined
  tags: readonly (Tag | undefined)[]
}

function Row({ id, name, mark, status, note, exactly, tags }: RowProps) {
  const { being: self } = useSession()
  return (
    <>
      <MarkedAvatar id={id} name={name} mark={mark} size={28} />
      <span className="being-text">
        <span className="being-name">
          <Name id={id} name={name} />
          {id === self.id && <span className="quiet">(you)</span>}
        </span>
        {status !== undefined && (
          <q className="status-line small-text" title={stripBidiControls(status)} data-testid="presence-status">
            <bdi className="ellipsis">{readable(status)}</bdi>
          </q>
        )}
        <span className="being-note quiet tiny-text">
          {note !== '' && <span title={exactly}>{note}</span>}
          <Tags of={tags} />
        </span>
      </span>
    </>
  )
}

const noteOf = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join(' · ')
