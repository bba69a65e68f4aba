/**
 * The part of a seed's plan that is about who is here, from chances of its own: people come in, go out, set states and
 * say things; Redis and the ways to it suffer; and once everything is well, people and gateways come and go.
 */
import { Chance } from './chance.ts'
import {
  PRESENCE_OPS_MS,
  type FinalScenario,
  FINAL_SCENARIOS,
  MOVES_MS,
  type Op,
  type Planned,
  type PresenceTuning,
  type Shape,
  TROUBLE_MS,
} from './plan.ts'

export function presenceTuningOf(seed: number): PresenceTuning {
  const chance = new Chance(seed, 'presence tuning')
  return {
    tabs: chance.pick([0, 1, 1, 2]),
    graceMs: chance.pick([800, 3_000]),
    windowMs: chance.pick([30, 100, 400]),
    listLimit: chance.pick([2, 3, 200, 200]),
    leaseMs: chance.pick([4_000, 6_000, 10_000]),
    signalWindowMs: chance.pick([100, 500, 1_500]),
    storeBreaks: chance.happens(0.4) ? chance.next() * 0.08 : 0,
  }
}

/** What people do, by how often. */
const PRESENCE_OPS = [
  'comeIn',
  'comeIn',
  'comeIn',
  'goOut',
  'goOut',
  'state',
  'state',
  'state',
  'signal',
  'signal',
  'signal',
  'reload',
] as const satisfies readonly Op['kind'][]

const TROUBLES = [
  'crash',
  'crash',
  'drain',
  'freeze',
  'freeze',
  'cut',
  'cut',
  'sleep',
  'storeSuffers',
  'storeSuffers',
  'redisEmptied',
  'redisRestarts',
  'redisStandsStill',
  'replicaPromoted',
  'redisAway',
] as const satisfies readonly Op['kind'][]

/** What a healthy world takes without anybody seeming to leave who does not. */
const MOVES = ['crash', 'crash', 'drain', 'cut', 'cut', 'reload', 'reload'] as const satisfies readonly Op['kind'][]

type Kind = (typeof PRESENCE_OPS)[number] | (typeof TROUBLES)[number] | (typeof MOVES)[number]

export function presenceOpsOf(seed: number, shape: Shape): Planned[] {
  const chance = new Chance(seed, 'presence plan')
  const ops: Planned[] = []
  for (let client = 0; client < shape.clients + shape.presence.tabs; client++)
    for (let space = 0; space < shape.spaces; space++)
      if (chance.happens(0.7)) ops.push({ atMs: chance.int(0, 3_000), kind: 'comeIn', client, space })
  const focus = chance.pick(TROUBLES)
  return [
    ...ops,
    ...spread(chance, TROUBLE_MS, () => {
      const trouble = chance.happens(0.5) ? focus : chance.pick(TROUBLES)
      return opOf(chance.happens(0.75) ? chance.pick(PRESENCE_OPS) : trouble, chance, shape)
    }),
  ]
}

/** Dates that are set to and fro, of chances of their own. */
export function dateStepsOf(seed: number, shape: Shape): Planned[] {
  const chance = new Chance(seed, 'dates')
  if (chance.happens(0.5)) return []
  return Array.from({ length: chance.int(1, 4) }, () => ({
    atMs: chance.int(0, TROUBLE_MS),
    kind: 'stepGatewayDate',
    gateway: chance.int(0, shape.gateways - 1),
    byMs: chance.pick([-3_600_000, -30_000, -400, 1_000, 60_000, 3_600_000]),
  }))
}

export function finalScenarioOf(seed: number): FinalScenario {
  const chance = new Chance(seed, 'finale')
  return chance.happens(0.5) ? 'people move' : chance.pick(FINAL_SCENARIOS)
}

/** What people do while hints go astray, so that the last word on somebody is among those that are lost. */
export function strayHintOpsOf(seed: number, shape: Shape): Planned[] {
  const chance = new Chance(seed, 'deeds')
  const ops: Planned[] = []
  // Mostly states: an entry too many or too few would show by being counted.
  for (let at = 0; at < PRESENCE_OPS_MS; at += chance.int(20, 400))
    ops.push({ atMs: at, ...opOf(chance.happens(0.15) ? chance.pick(['comeIn', 'goOut']) : 'state', chance, shape) })
  return ops
}

/** How long a gateway is away at most while people move: whoever has none to go to waits ever longer. */
const MOST_AWAY_MS = 800

export function movesOf(seed: number, shape: Shape): Planned[] {
  const chance = new Chance(seed, 'moves')
  return spread(chance, MOVES_MS, () => {
    const op = opOf(chance.happens(0.7) ? chance.pick(PRESENCE_OPS) : chance.pick(MOVES), chance, shape)
    if (op.kind === 'drain') return { ...op, forMs: Math.min(op.forMs, MOST_AWAY_MS) }
    // Who does not notice that a connection is dead holds everybody up.
    return op.kind === 'crash' ? { ...op, clientsSee: true } : op
  })
}

/** Bursts and pauses. */
function spread(chance: Chance, forMs: number, op: () => Op): Planned[] {
  const ops: Planned[] = []
  for (let at = chance.int(100, 1_000); at < forMs; )
    for (let burst = chance.happens(0.5) ? 1 : chance.int(2, 4); burst > 0 && at < forMs; burst--) {
      ops.push({ atMs: at, ...op() })
      at += burst > 1 ? chance.int(1, 80) : chance.int(300, 2_000)
    }
  return ops
}

function opOf(kind: Kind, chance: Chance, shape: Shape): Op {
  const { leaseMs, tabs } = shape.presence
  const space = chance.int(0, shape.spaces - 1)
  const client = chance.int(0, shape.clients + tabs - 1)
  const gateway = chance.int(0, shape.gateways - 1)
  const forMs = chance.pick([chance.int(50, 800), chance.int(800, 3_000), chance.int(1_000, leaseMs * 1.5)])
  switch (kind) {
    case 'comeIn':
    case 'goOut':
      return { kind, client, space }
    case 'state':
      return { kind, client, space, value: chance.int(0, 1_000_000) }
    case 'signal':
      return { kind, client, space, name: chance.pick(['typing', 'wave']) }
    case 'reload':
      return { kind, client }
    case 'sleep':
      return { kind, client, forMs: forMs * 2 }
    case 'cut':
      return { kind, client, clientSees: chance.happens(0.8), gatewaySees: chance.happens(0.7) }
    case 'crash':
      return { kind, gateway, clientsSee: chance.happens(0.8), forMs }
    case 'drain':
    case 'freeze':
      return { kind, gateway, forMs }
    case 'storeSuffers':
      return { kind, gateway, trouble: chance.pick(['cut', 'deaf', 'mute']), forMs }
    case 'redisEmptied':
      return { kind }
    case 'redisAway':
    case 'redisRestarts':
    case 'redisStandsStill':
      return { kind, forMs }
    case 'replicaPromoted':
      return { kind, lagMs: chance.int(50, 8_000), forMs: chance.int(50, 1_500) }
    default:
      return kind satisfies never
  }
}
