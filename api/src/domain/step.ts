/**
 * What an accepted mutation does, one step per change, before versions are known. `advance` gives each step the next
 * version of the log it belongs to and moves the world forward.
 *
 * A step with `log: null` makes no change in any log: it concerns a being located nowhere, or the being that a space
 * also is, whose story the space's own changes tell.
 */
import {
  appendText,
  type Being,
  type BeingId,
  type Change,
  type Intention,
  type IntentionId,
  type MutationId,
  type Role,
  type Space,
  type SpaceId,
} from '@rhizom/protocol'
import { memberKey, type World } from './world.ts'

export type Step =
  | { kind: 'space.put'; log: SpaceId; space: Omit<Space, 'version'> }
  | { kind: 'space.remove'; log: SpaceId }
  | { kind: 'being.put'; log: SpaceId | null; being: Being }
  /** It leaves this log. A step that follows puts it elsewhere. */
  | { kind: 'being.leave'; log: SpaceId; id: BeingId }
  /** It ceases to exist. */
  | { kind: 'being.remove'; log: SpaceId | null; id: BeingId }
  | { kind: 'intention.put'; log: SpaceId; intention: Intention }
  | { kind: 'intention.append'; log: SpaceId; id: IntentionId; text: string; at: number }
  | { kind: 'intention.remove'; log: SpaceId; id: IntentionId }
  | { kind: 'member.put'; log: SpaceId; being: BeingId; role: Role }
  | { kind: 'member.remove'; log: SpaceId; being: BeingId }

export interface Cause {
  actor: BeingId
  mutation: MutationId
  at: number
}

/** A change together with the log it belongs to. */
export interface LoggedChange {
  space: SpaceId
  epoch: string
  change: Change
}

/** Takes the step in `world`, which it alters, and returns the change it makes, if any. */
export function advance(world: World, step: Step, cause: Cause): LoggedChange | undefined {
  if (step.kind === 'space.put') {
    const version = (world.spaces.get(step.log)?.version ?? 0) + 1
    const space = { ...step.space, version }
    world.spaces.set(step.log, space)
    return { space: step.log, epoch: space.epoch, change: { ...cause, version, kind: 'space.put', body: space } }
  }
  if (step.log === null) {
    place(world, step, undefined)
    return undefined
  }
  const space = world.spaces.get(step.log)
  if (space === undefined) throw new Error(`a step in ${step.log}, which is not there`)
  const version = space.version + 1
  world.spaces.set(space.id, { ...space, version })
  const change = place(world, step, version, cause)
  return change === undefined ? undefined : { space: space.id, epoch: space.epoch, change }
}

type PlacedStep = Exclude<Step, { kind: 'space.put' }>

function place(world: World, step: PlacedStep, version: number | undefined, cause?: Cause): Change | undefined {
  const header = cause === undefined || version === undefined ? undefined : { ...cause, version }
  switch (step.kind) {
    case 'space.remove':
      clear(world, step.log)
      return header && { ...header, kind: 'space.remove', body: { id: step.log } }
    case 'being.put': {
      const being = { ...step.being, rev: version ?? step.being.rev }
      world.beings.set(being.id, being)
      return header && { ...header, kind: 'being.put', body: being }
    }
    case 'being.leave':
      return header && { ...header, kind: 'being.remove', body: { id: step.id } }
    case 'being.remove':
      world.beings.delete(step.id)
      world.removedBeings.add(step.id)
      return header && { ...header, kind: 'being.remove', body: { id: step.id } }
    case 'intention.put': {
      const former = world.intentions.get(step.intention.id)
      const intention = { ...step.intention, rev: version ?? 0 }
      world.intentions.set(intention.id, { ...intention, position: former?.position ?? intention.rev })
      return header && { ...header, kind: 'intention.put', body: intention }
    }
    case 'intention.append': {
      const former = world.intentions.get(step.id)
      if (former === undefined) throw new Error(`an append to ${step.id}, which is not there`)
      const content = appendText(former.content, step.text)
      world.intentions.set(step.id, { ...former, content, rev: version ?? former.rev, modifiedAt: step.at })
      return header && { ...header, kind: 'intention.append', body: { id: step.id, text: step.text } }
    }
    case 'intention.remove':
      world.intentions.delete(step.id)
      return header && { ...header, kind: 'intention.remove', body: { id: step.id } }
    case 'member.put':
      world.members.set(memberKey(step.log, step.being), step.role)
      return header && { ...header, kind: 'member.put', body: { being: step.being, role: step.role } }
    case 'member.remove':
      world.members.delete(memberKey(step.log, step.being))
      return header && { ...header, kind: 'member.remove', body: { id: step.being } }
    default:
      return step satisfies never
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
  for (const key of world.members.keys()) if (key.startsWith(`${id} `)) world.members.delete(key)
}
