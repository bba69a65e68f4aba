/**
 * Who may read a space, followed change by change. The api decides and the log says so; this only repeats the log's
 * members and visibility, so that a connection that lost access gets nothing after the version that took it.
 */
import { type Access, type BeingId, type SpaceId, type Visibility, visibilitySchema } from '@rhizom/protocol'
import { changesOf, encodeRun, type LooseChange, type Run } from './run.ts'

export interface Readers {
  readonly visibility: Visibility
  readonly members: ReadonlySet<BeingId>
  readonly banned: ReadonlySet<BeingId>
}

export const readersOf = (access: Access): Readers => ({
  visibility: access.visibility,
  members: new Set(access.readers),
  banned: new Set(access.banned),
})

export const mayRead = (readers: Readers, being: BeingId): boolean =>
  readers.visibility === 'public' ? !readers.banned.has(being) : readers.members.has(being)

/** Whether somebody who could read before cannot any more. */
export function narrows(before: Readers, after: Readers): boolean {
  if (after.visibility === 'public') {
    for (const being of after.banned) if (mayRead(before, being)) return true
    return false
  }
  if (before.visibility === 'public') return true
  for (const member of before.members) if (!after.members.has(member)) return true
  return false
}

/** Whether somebody may read, or may once the space is private, who could not before. */
export function gives(before: Readers, after: Readers): boolean {
  if (after.visibility === 'public' && before.visibility !== 'public') return true
  for (const being of before.banned) if (!after.banned.has(being)) return true
  for (const member of after.members) if (!before.members.has(member)) return true
  return false
}

/** A stretch of a run after which the readers are others, or after which the space is gone. */
export interface AccessPart {
  run: Run
  readers: Readers
  effect: 'none' | 'narrowed' | 'removed'
}

type Outcome = Readers | 'removed' | 'not-understood'

function follow(readers: Readers, change: LooseChange): Outcome {
  switch (change.kind) {
    case 'space.remove':
      return 'removed'
    case 'space.put': {
      const visibility = visibilitySchema.safeParse(change.body['visibility'])
      return visibility.success ? { ...readers, visibility: visibility.data } : 'not-understood'
    }
    case 'member.put': {
      const being = change.body['being']
      if (typeof being !== 'string') return 'not-understood'
      const isBanned = change.body['role'] === 'banned'
      const { members, banned } = withoutRole(readers, being)
      return isBanned
        ? { ...readers, members, banned: new Set([...banned, being]) }
        : { ...readers, members: new Set([...members, being]), banned }
    }
    case 'member.remove': {
      const being = change.body['id']
      if (typeof being !== 'string') return 'not-understood'
      return { ...readers, ...withoutRole(readers, being) }
    }
    default:
      return readers
  }
}

const withoutRole = ({ members, banned }: Readers, being: BeingId) => ({
  members: without(members, being),
  banned: without(banned, being),
})

function without(beings: ReadonlySet<BeingId>, being: BeingId): ReadonlySet<BeingId> {
  if (!beings.has(being)) return beings
  const others = new Set(beings)
  others.delete(being)
  return others
}

/**
 * Cuts a run after each change that takes somebody's access, so that those it concerns can be sent that change and
 * nothing beyond. A run without such a change stays whole, byte for byte. Nothing if it cannot be understood.
 */
export function splitByAccess(space: SpaceId, run: Run, readers: Readers): readonly AccessPart[] | undefined {
  const changes = changesOf(run)
  if (changes === undefined) return undefined
  const parts: AccessPart[] = []
  let current = readers
  let start = run.from
  const cut = (to: number, effect: AccessPart['effect']): void => {
    const whole = start === run.from && to === run.to
    const part = whole ? run : encodeRun(space, run.epoch, start, changes.slice(start - run.from, to - run.from))
    parts.push({ run: part, readers: current, effect })
    start = to
  }
  for (const change of changes) {
    const outcome = follow(current, change)
    if (outcome === 'not-understood') return undefined
    if (outcome === 'removed') {
      cut(change.version, 'removed')
      continue
    }
    const narrowed = narrows(current, outcome)
    current = outcome
    if (narrowed) cut(change.version, 'narrowed')
  }
  if (start < run.to) cut(run.to, 'none')
  return parts
}
