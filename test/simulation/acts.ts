/** What is done to a healthy world in its checks, to all of it at once. */
import { encodeChangesMessage } from '@rhizom/protocol'
import { applyOp } from './apply-op.ts'
import type { PublishMode } from './plan.ts'
import type { Entry } from './space-model.ts'
import { beingOf, type World } from './world.ts'
import { entriesOf, putSpace } from './writes.ts'

const FOREIGN_EPOCH = '00000000-0000-7000-8000-000000000000'

export function write(world: World, publish: PublishMode): void {
  for (const space of world.spaces) {
    const salt = space.current.version
    if (space.exists) world.commit(space, entriesOf(space, ['append'], salt, world.time.now()), publish)
  }
}

/** Hides every space and takes the membership of its first client, in one commit. */
export function hide(world: World): void {
  for (const space of world.spaces) {
    const entries: Entry[] = [putSpace(space, space.now, { visibility: 'private' })]
    if (space.now.members.has(beingOf(0))) entries.push({ kind: 'member.remove', body: { id: beingOf(0) } })
    if (space.exists) world.commit(space, entries, { afterMs: 1 })
  }
}

export function open(world: World): void {
  for (const space of world.spaces)
    if (space.exists) world.commit(space, [putSpace(space, space.now, { visibility: 'public' })], { afterMs: 1 })
}

export function remove(world: World): void {
  for (const space of world.spaces)
    if (space.exists) world.commit(space, [{ kind: 'space.remove', body: { id: space.id } }], 'never')
}

export function createMissing(world: World): void {
  for (const [index, { exists }] of world.spaces.entries())
    if (!exists) applyOp(world, { kind: 'createSpace', space: index, publish: 'never' })
}

/** A message for the last change of each space, whose header says all and whose frame says nothing. */
export function publishUnreadable(world: World): void {
  for (const { id, current } of world.spaces) {
    const { epoch, version } = current
    const message = new TextEncoder().encode(`rhizom1 changes ${epoch} ${version - 1} ${version} -\n{"type":"later"}`)
    world.redis.publish({ space: id, message })
  }
}

export function publishForeignEpoch(world: World): void {
  for (const { id, current } of world.spaces) {
    const change = current.changes.at(-1)
    if (change === undefined) continue
    const message = encodeChangesMessage(id, FOREIGN_EPOCH, change.version - 1, [change])
    world.redis.publish({ space: id, message })
  }
}

export function reloadAll(world: World): void {
  for (const index of world.clients.keys()) world.reload(index)
}

export function leave(world: World): void {
  for (const [client, link] of world.network.links) {
    client.end()
    link.cut(false, true)
  }
}

/** False unless somebody else keeps the same spaces with the only gateway there is. */
export function cutFirstOfMany(world: World): boolean {
  const [first, ...others] = world.clients
  if (first === undefined || world.gateways.length > 1) return false
  const isKept = first
    .watched()
    .every((space) => others.some((other) => other.state(space)?.subscription.status === 'current'))
  if (isKept) world.network.links.get(first)?.cut(true, true)
  return isKept
}
