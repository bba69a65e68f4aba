/**
 * What operations of a plan do to the world. One that has no object any more does nothing, so that plans can shrink.
 */
import { applyPageOp } from './apply-page-op.ts'
import type { ClientNode } from './client-node.ts'
import { add } from './coverage.ts'
import type { Op } from './plan.ts'
import type { SpaceModel } from './space-model.ts'
import { beingOf, spaceName, type World } from './world.ts'
import { beginning, entriesOf, putSpace } from './writes.ts'

export function applyOp(world: World, op: Op): void {
  const { kind, ...rest } = op
  add(world.coverage, `op ${kind}`)
  if (kind !== 'write') world.note(`• ${kind} ${JSON.stringify(rest)}`)
  switch (op.kind) {
    case 'write':
    case 'grant':
    case 'revoke':
    case 'show':
    case 'removeSpace':
    case 'createSpace':
    case 'prune':
    case 'restore':
    case 'loseTail':
    case 'replay':
      return applySpaceOp(world, op)
    case 'watch':
    case 'unwatch':
    case 'retry':
    case 'reload':
    case 'sleep':
    case 'network':
    case 'stepClientDate':
    case 'cut':
    case 'stall':
    case 'comeIn':
    case 'goOut':
    case 'state':
    case 'signal':
      return applyClientOp(world, op)
    case 'crash':
    case 'drain':
    case 'freeze':
    case 'busCut':
    case 'busForgets':
    case 'storeSuffers':
    case 'stepGatewayDate':
      return applyGatewayOp(world, op)
    case 'apiAway':
      return world.api.goAway(op.how, op.forMs)
    case 'headsAway':
      return world.api.loseHeads(op.forMs)
    case 'cutAll':
      return cutAll(world)
    case 'redisAway':
    case 'redisRestarts':
      world.redis.goAway()
      if (op.kind === 'redisRestarts') world.redis.empty()
      world.time.after(op.forMs, () => world.redis.comeBack())
      return
    case 'redisEmptied':
      return world.redis.empty()
    case 'redisStandsStill':
      return world.redis.standStill(op.forMs)
    case 'replicaPromoted':
      return world.redis.fallBehind(op.lagMs, op.forMs)
    case 'pageWrites':
    case 'pageReloads':
    case 'pageCut':
    case 'pageKilled':
    case 'pageFreezes':
    case 'pageLeft':
    case 'browserCrashes':
    case 'storageSuffers':
    case 'wayBlocked':
    case 'gatewaysDie':
      return applyPageOp(world, op)
    case 'botAsked':
    case 'replyCancelled':
    case 'replyRetried':
    case 'botKilled':
    case 'botFreezes':
    case 'botCutOff':
    case 'botStops':
    case 'leaderAway':
      return world.bots?.apply(op)
    default:
      return op satisfies never
  }
}

/** Every connection ends, and both ends see it. */
export function cutAll(world: World): void {
  for (const link of world.network.links.values()) link.cut(true, true)
}

type OfClient = 'watch' | 'unwatch' | 'comeIn' | 'goOut' | 'state' | 'signal'

function applySpaceOp(
  world: World,
  op: Extract<Op, { space: number }> & { kind: Exclude<Op['kind'], OfClient | 'busForgets' | 'pageWrites'> },
): void {
  if (op.space >= world.plan.shape.spaces) return
  const space = world.api.space(spaceName(op.space))
  if (op.kind === 'restore') {
    const { changes } = space.current
    space.restore(world.epochs.uuid(), op.lost, world.time.now())
    return world.pages?.api.restored(changes.slice(space.current.version).map(({ mutation }) => mutation))
  }
  if (op.kind === 'loseTail') return space.loseTail(op.lost)
  if (op.kind === 'replay') return replay(world, space, op.pick)
  if (op.kind === 'createSpace') {
    if (space.exists) return
    space.beginAnew(world.epochs.uuid(), world.time.now())
    return world.commit(space, beginning(space, 'public', []), op.publish)
  }
  if (!space.exists) return
  switch (op.kind) {
    case 'write':
      return world.commit(space, entriesOf(space, op.what, op.salt, world.time.now()), op.publish)
    case 'grant':
      return world.commit(
        space,
        [{ kind: 'member.put', body: { being: beingOf(op.client), role: 'viewer' } }],
        op.publish,
      )
    case 'revoke':
      if (!space.now.members.has(beingOf(op.client))) return
      return world.commit(space, [{ kind: 'member.remove', body: { id: beingOf(op.client) } }], op.publish)
    case 'show':
      return world.commit(space, [putSpace(space, space.now, { visibility: op.visibility })], op.publish)
    case 'removeSpace':
      return world.commit(space, [{ kind: 'space.remove', body: { id: space.id } }], op.publish)
    case 'prune':
      return space.prune(op.keep)
    default:
      op satisfies never
  }
}

function replay(world: World, space: SpaceModel, pick: number): void {
  const all = world.api.published.filter((one) => one.space === space.id)
  const stale = all.filter((one) => one.epoch !== space.current.epoch)
  const mine = pick % 2 === 0 && stale.length > 0 ? stale : all
  const message = mine[pick % Math.max(1, mine.length)]
  if (message !== undefined) world.redis.publish(message)
}

function applyClientOp(
  world: World,
  op: Extract<Op, { client: number }> & { kind: Exclude<Op['kind'], 'grant' | 'revoke'> },
): void {
  const client = world.clients[op.client]
  if (client === undefined) return
  switch (op.kind) {
    case 'watch':
    case 'unwatch':
    case 'comeIn':
    case 'goOut':
    case 'state':
    case 'signal':
      if (op.space < world.plan.shape.spaces) client.gate.enter(() => does(world, client, op))
      return
    case 'retry':
      client.gate.enter(() => client.retry())
      return
    case 'network':
      client.gate.enter(() => client.device(op.event))
      return
    case 'stepClientDate':
      return client.stepDate(op.byMs)
    case 'reload':
      return world.reload(op.client)
    case 'sleep':
      client.gate.freeze()
      world.time.after(op.forMs, () => {
        client.gate.thaw()
        client.gate.enter(() => client.device('pageShown'))
      })
      return
    case 'cut':
      world.network.links.get(client)?.cut(op.clientSees, op.gatewaySees)
      return
    case 'stall':
      world.network.links.get(client)?.stall(op.way, op.forMs)
      return
    default:
      op satisfies never
  }
}

/** What a person does in a space. */
function does(world: World, client: ClientNode, op: Extract<Op, { kind: OfClient }>): void {
  const space = spaceName(op.space)
  switch (op.kind) {
    case 'watch':
    case 'unwatch':
    case 'comeIn':
    case 'goOut':
      return client[op.kind](space)
    case 'state':
      return client.setState(space, { v: op.value })
    case 'signal':
      return client.signal(space, op.name, { n: world.signals.nextNumber() })
    default:
      op satisfies never
  }
}

function applyGatewayOp(world: World, op: Extract<Op, { gateway: number }>): void {
  const gateway = world.gateways[op.gateway]
  if (gateway === undefined) return
  switch (op.kind) {
    case 'crash':
      return gateway.crash(op.clientsSee, world.isHealed ? 0 : op.forMs)
    case 'drain':
      return gateway.drain(op.forMs)
    case 'freeze':
      return gateway.freeze(op.forMs)
    case 'storeSuffers':
      gateway.store?.suffer(op.trouble, op.forMs)
      return
    case 'stepGatewayDate':
      return gateway.stepDate(op.byMs)
    case 'busCut':
      gateway.bus?.cut(op.unnoticedMs)
      return
    case 'busForgets':
      gateway.bus?.forget(spaceName(op.space))
      return
    default:
      op satisfies never
  }
}
