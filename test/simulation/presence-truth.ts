/**
 * Who is here, told from the clients alone: a being is here where at least one live client of its wants to be seen and
 * may read. Everybody who watches has to hold exactly that (S19), and Redis nothing else.
 */
import { compareFields, compareList, inWords } from '@rhizom/kit/presence-verdict.ts'
import {
  type BeingId,
  type Here,
  mergePresence,
  parsePresenceField,
  type PresenceEntry,
  type SpaceId,
} from '@rhizom/protocol'
import type { ClientNode } from './client-node.ts'
import type { World } from './world.ts'

/** Two states set closer together than this on two gateways: either may count as the last. */
const RACE_MS = 40

type Merged = Pick<Here, 'state' | 'since'>

/** What is wrong, in words; undefined if nothing is. */
export function rosterWrong(world: World): string | undefined {
  for (const { id, exists } of world.spaces) {
    const truth = exists ? truthOf(world, id) : new Map<BeingId, ClientNode[]>()
    const stored = storedIn(world, id)
    const wrong =
      storedWrong(world, id, truth) ??
      entriesWrong(world, id, 'Redis', truth, new Map([...stored].flatMap(([being, parts]) => merged(being, parts)))) ??
      [...world.clients].map((client) => heldWrong(world, id, client, truth, stored)).find((what) => what !== undefined)
    if (wrong !== undefined) return wrong
  }
  return keysWrong(world)
}

function truthOf(world: World, space: SpaceId): Map<BeingId, ClientNode[]> {
  const truth = new Map<BeingId, ClientNode[]>()
  for (const client of world.clients)
    if (client.isLive && client.present().includes(space) && world.mayRead(client, space))
      truth.set(client.being, [...(truth.get(client.being) ?? []), client])
  return truth
}

function storedIn(world: World, space: SpaceId): Map<BeingId, [string, PresenceEntry][]> {
  const stored = new Map<BeingId, [string, PresenceEntry][]>()
  for (const [field, entry] of world.redis.data.entries(space)) {
    const name = parsePresenceField(field)
    if (name === undefined || !world.redis.data.isAlive(name.bootId)) continue
    stored.set(name.being, [...(stored.get(name.being) ?? []), [name.bootId, entry]])
  }
  return stored
}

function merged(being: BeingId, parts: readonly [string, PresenceEntry][]): [BeingId, Merged][] {
  const one = mergePresence(parts)
  return one === undefined ? [] : [[being, one]]
}

/** Redis holds one entry for each gateway and being, and none of a gateway that is no more. */
function storedWrong(world: World, space: SpaceId, truth: ReadonlyMap<BeingId, ClientNode[]>): string | undefined {
  const clients = [...truth.values()].flat()
  const parts = Map.groupBy(clients, (client) => world.network.homes.get(client)?.name)
  const expected = [...parts.values()].map((part) => new Set(part.map(({ being }) => being)))
  const { data } = world.redis
  const alive = new Set([...data.leases.keys()].filter((boot) => data.isAlive(boot)))
  const wrong = inWords(compareFields(expected, [...data.entries(space).keys()], alive))
  return wrong && `Redis holds in ${space} what it should not, ${wrong}`
}

/** A list of everybody. */
function entriesWrong(
  world: World,
  space: SpaceId,
  who: string,
  truth: ReadonlyMap<BeingId, ClientNode[]>,
  list: ReadonlyMap<BeingId, Merged>,
): string | undefined {
  const wrong = inWords(compareList(truth, list, (being, one) => entryWrong(world, space, being, one)))
  return wrong && `${who} does not tell who is in ${space}, ${wrong}`
}

function entryWrong(world: World, space: SpaceId, being: BeingId, { state, since }: Merged): string | undefined {
  const { ledger } = world.presence
  const open = ledger.open(space, being)
  const latest = Math.max(...open.map(({ stateAt }) => stateAt))
  const states = open
    // Those set while gateways did not hear of each other count by the dates of these.
    .filter(({ stateAt }) => ledger.areDatesOff || stateAt >= latest - (latest === 0 ? 0 : RACE_MS))
    .map((one) => JSON.stringify(one.state ?? {}))
  if (!states.includes(JSON.stringify(state))) return `is ${JSON.stringify(state)}, not ${states.join(' or ')}`
  const stay = ledger.stay(space, being)
  const times = stay === undefined ? [] : stay.isSure && !ledger.areDatesOff ? stay.cameAt.slice(0, 1) : stay.cameAt
  return times.includes(since) ? undefined : `came at ${since}, not at ${times.join(' or ')}`
}

function heldWrong(
  world: World,
  space: SpaceId,
  client: ClientNode,
  truth: ReadonlyMap<BeingId, ClientNode[]>,
  stored: ReadonlyMap<BeingId, [string, PresenceEntry][]>,
): string | undefined {
  if (!client.watched().includes(space) || !world.api.space(space).exists || !world.mayRead(client, space))
    return undefined
  const presence = client.state(space)?.presence
  const who = client.name
  if (presence === undefined) return `${who} does not know who is in ${space}`
  const { here, hereCount, frozen, staleSinceMs } = presence
  if (frozen || staleSinceMs !== undefined) return `${who} is not sure who is in ${space}`
  if (hereCount !== truth.size) return `${who} counts ${hereCount} in ${space}, and it is ${truth.size}`
  const ownWrong = ownStateWrong(world, space, client)
  if (ownWrong !== undefined) return ownWrong
  if (hereCount > world.presence.tuning.listLimit) {
    const stranger = here.find(({ being }) => !truth.has(being))
    if (stranger !== undefined) return `${who} lists ${stranger.being} in ${space}, who is not here`
    if (here.length !== world.presence.tuning.listLimit)
      return `${who} lists ${here.length} of ${hereCount} in ${space}`
  } else {
    const wrong = entriesWrong(world, space, who, truth, new Map(here.map((one) => [one.being, one])))
    if (wrong !== undefined) return wrong
  }
  for (const { being, state, since } of here) {
    const kept = mergePresence(stored.get(being) ?? [])
    if (kept?.since !== since || JSON.stringify(kept.state) !== JSON.stringify(state))
      return `${who} holds of ${being} in ${space} another state or time than Redis`
  }
  return undefined
}

/** The gateway was told the state that a client set last. */
function ownStateWrong(world: World, space: SpaceId, client: ClientNode): string | undefined {
  if (!client.present().includes(space)) return undefined
  const own = JSON.stringify(client.ownState(space))
  const told = world.presence.ledger.open(space, client.being).map(({ state }) => JSON.stringify(state))
  return own === undefined || told.includes(own) ? undefined : `no gateway knows of ${client.name} in ${space} ${own}`
}

/** Nothing else is kept of gateways that are no more. */
function keysWrong({ redis: { data } }: World): string | undefined {
  const dead = [...data.heartbeats.keys(), ...data.spaces.keys()].find((boot) => !data.isAlive(boot))
  return dead === undefined ? undefined : `Redis still knows ${dead}, which has no lease`
}
