/**
 * What an accepted mutation does, one op per change, before versions are known. `applyOp` gives each op the next
 * version of the log it belongs to and moves the world forward.
 *
 * An op with `log: null` makes no change in any log: it concerns a being located nowhere, or the being that a space
 * also is, whose story the space's own changes tell.
 */
import {
  appendText,
  type Being,
  type BeingId,
  type Change,
  type Epoch,
  type Intention,
  type IntentionId,
  type MutationId,
  type Role,
  type Space,
  type SpaceId,
} from '@rhizom/protocol'
import type { KeptOfIntention } from './kept.ts'
import { keptOf, type World } from './world.ts'

export type WorldOp =
  | { kind: 'space.put'; log: SpaceId; space: Omit<Space, 'version'> }
  | { kind: 'space.remove'; log: SpaceId }
  | { kind: 'being.put'; log: SpaceId | null; being: Being }
  /** It leaves this log. An op that follows puts it elsewhere. */
  | { kind: 'being.leave'; log: SpaceId; id: BeingId }
  /** It ceases to exist. */
  | { kind: 'being.remove'; log: SpaceId | null; id: BeingId }
  /** `kept` is what changes of what the database keeps beside it. */
  | { kind: 'intention.put'; log: SpaceId; intention: Intention; kept?: KeptOfIntention }
  /** `until` is where it renews the lease of the claim that stands. */
  | { kind: 'intention.append'; log: SpaceId; id: IntentionId; text: string; at: number; until?: number }
  | { kind: 'intention.remove'; log: SpaceId; id: IntentionId }
  | { kind: 'member.put'; log: SpaceId; being: BeingId; role: Role }
  | { kind: 'member.remove'; log: SpaceId; being: BeingId }

export interface ChangeCause {
  actor: BeingId
  mutation: MutationId
  at: number
}

/** A change together with the log it belongs to. */
export interface LoggedChange {
  space: SpaceId
  epoch: Epoch
  change: Change
}

/** Applies the op to `world`, which it alters, and returns the change it makes, if any. */
export function applyOp(world: World, op: WorldOp, cause: ChangeCause): LoggedChange | undefined {
  if (op.kind === 'space.put') {
    const version = (world.spaces.get(op.log)?.version ?? 0) + 1
    world.spaces.set(op.log, { ...op.space, version })
    return { space: op.log, epoch: op.space.epoch, change: changeOf(op, version, cause) }
  }
  if (op.log === null) {
    applyNowhere(world, op)
    return undefined
  }
  const space = world.spaces.get(op.log)
  if (space === undefined) throw new Error(`an op in ${op.log}, which is not there`)
  const version = space.version + 1
  world.spaces.set(space.id, { ...space, version })
  applyInLog(world, op, version)
  return { space: space.id, epoch: space.epoch, change: changeOf(op, version, cause) }
}

type OtherOp = Exclude<WorldOp, { kind: 'space.put' }>

/** The change that an op makes at a version of its log. */
export function changeOf(op: WorldOp, version: number, cause: ChangeCause): Change {
  const header = { ...cause, version }
  switch (op.kind) {
    case 'space.put':
      return { ...header, kind: 'space.put', body: { ...op.space, version } }
    case 'space.remove':
      return { ...header, kind: 'space.remove', body: { id: op.log } }
    case 'being.put':
      return { ...header, kind: 'being.put', body: { ...op.being, rev: version } }
    case 'being.leave':
    case 'being.remove':
      return { ...header, kind: 'being.remove', body: { id: op.id } }
    case 'intention.put':
      return { ...header, kind: 'intention.put', body: { ...op.intention, rev: version } }
    case 'intention.append':
      return {
        ...header,
        kind: 'intention.append',
        body: { id: op.id, text: op.text, ...(op.until === undefined ? {} : { until: op.until }) },
      }
    case 'intention.remove':
      return { ...header, kind: 'intention.remove', body: { id: op.id } }
    case 'member.put':
      return { ...header, kind: 'member.put', body: { being: op.being, role: op.role } }
    case 'member.remove':
      return { ...header, kind: 'member.remove', body: { id: op.being } }
    default:
      return op satisfies never
  }
}

/** Of a being that is in no log: no change tells of it, and its revision is what the op says. */
function applyNowhere(world: World, op: OtherOp): void {
  if (op.kind === 'being.put') world.beings.set(op.being.id, op.being)
  else if (op.kind === 'being.remove') removeBeing(world, op.id)
  else throw new Error(`${op.kind} in no log`)
}

function removeBeing(world: World, id: BeingId): void {
  world.beings.delete(id)
  world.removedBeings.add(id)
}

/** `version` is that of the change. */
function applyInLog(world: World, op: OtherOp, version: number): void {
  switch (op.kind) {
    case 'space.remove':
      clear(world, op.log)
      return
    case 'being.put':
      world.beings.set(op.being.id, { ...op.being, rev: version })
      return
    case 'being.leave':
      return
    case 'being.remove':
      return removeBeing(world, op.id)
    case 'intention.put': {
      const former = world.intentions.get(op.intention.id)
      if (former?.unread !== undefined) throw new Error(`${op.intention.id} was not read whole`)
      const position = former?.position ?? version
      const entry = { ...keptOf(former), ...op.kept, ...op.intention, rev: version, position }
      world.intentions.set(op.intention.id, entry)
      return
    }
    case 'intention.append': {
      const former = world.intentions.get(op.id)
      if (former === undefined) throw new Error(`an append to ${op.id}, which is not there`)
      const content = appendText(former.content, op.text)
      const claim = former.claim && op.until !== undefined ? { ...former.claim, until: op.until } : former.claim
      world.intentions.set(op.id, { ...former, ...(claim ? { claim } : {}), content, rev: version, modifiedAt: op.at })
      return
    }
    case 'intention.remove':
      world.intentions.delete(op.id)
      return
    case 'member.put':
      world.members.set(op.log, op.being, op.role)
      return
    case 'member.remove':
      world.members.delete(op.log, op.being)
      return
    default:
      op satisfies never
  }
}

/** Removes a space with its intentions and members; who was there is nowhere now. */
function clear(world: World, id: SpaceId): void {
  world.spaces.delete(id)
  world.beings.delete(id)
  world.cleared.add(id)
  for (const being of world.beings.values())
    if (being.location === id) world.beings.set(being.id, { ...being, location: null })
  for (const intention of world.intentions.values())
    if (intention.location === id) world.intentions.delete(intention.id)
  world.members.deleteAll(id)
}
