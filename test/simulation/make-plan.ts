/** Makes the plan of a seed: a world, and twenty seconds of writes and trouble for it. */
import { Chance } from './chance.ts'
import {
  dateStepsOf,
  strayHintOpsOf,
  finalScenarioOf,
  movesOf,
  presenceOpsOf,
  presenceTuningOf,
} from './presence-plan.ts'
import {
  type Op,
  type Plan,
  type Planned,
  type PublishMode,
  type Shape,
  TROUBLE_MS,
  type Tuning,
  type Weather,
  type WriteKind,
} from './plan.ts'

function weatherOf(chance: Chance): Weather {
  const some = (most: number): number => (chance.happens(0.5) ? chance.next() * most : 0)
  return {
    busDrops: some(0.15),
    busRepeats: some(0.2),
    busReorders: some(0.3),
    busForeign: chance.happens(0.3) ? chance.next() * 0.3 : 0,
    readFails: some(0.2),
    readIsSlow: some(0.3),
    wrongDoor: some(0.3),
    garbles: chance.happens(0.3) ? chance.next() * 0.3 : 0,
    overlaps: chance.happens(0.3) ? chance.next() * 0.5 : 0,
  }
}

function tuningOf(chance: Chance): Tuning {
  return {
    ringChanges: chance.pick([3, 8, 30, 500]),
    ringBytes: chance.pick([4_000, 1_000_000]),
    parkedRuns: chance.pick([2, 6, 64]),
    reorderGraceMs: chance.pick([20, 100, 250]),
    joinTimeoutMs: chance.pick([300, 2_000]),
    patienceMs: chance.pick([600, 2_000, 8_000]),
    lingerMs: chance.pick([500, 10_000]),
    heldSnapshotBytes: chance.pick([500, 1_000_000]),
    fanOutWindowMs: chance.pick([8, 40]),
    maxBatchBytes: chance.pick([2_000, 64_000]),
    heartbeatMs: chance.pick([1_000, 4_000]),
    tokenLifeMs: chance.pick([6_000, 30_000, 600_000]),
    maxUnsentBytes: chance.pick([600, 2_000, 20_000]),
    socketBufferBytes: chance.pick([1_500, 60_000]),
    catchUpLimit: chance.pick([5, 40, 500]),
  }
}

export function makePlan(seed: number): Plan {
  const chance = new Chance(seed, 'plan')
  const shape: Shape = {
    gateways: chance.int(1, 3),
    clients: chance.int(2, 4),
    spaces: chance.int(1, 2),
    weather: weatherOf(chance),
    tuning: tuningOf(chance),
    presence: presenceTuningOf(seed),
  }
  const ops: Planned[] = []
  for (let client = 0; client < shape.clients; client++)
    for (let space = 0; space < shape.spaces; space++)
      if (chance.happens(0.85)) ops.push({ atMs: chance.int(0, 3_000), kind: 'watch', client, space })
  const focus = focusOf(chance)
  let at = 200
  while (at < TROUBLE_MS) {
    ops.push({ atMs: at, ...opOf(chance, shape, focus) })
    // Bursts and pauses: what comes close together races, what comes after a pause finds everything settled.
    at += chance.happens(0.7) ? chance.int(1, 150) : chance.int(300, 2_000)
  }
  ops.push(...presenceOpsOf(seed, shape), ...dateOpsOf(seed, shape), ...dateStepsOf(seed, shape))
  const finalScenario = finalScenarioOf(seed)
  const moves =
    finalScenario === 'people move'
      ? movesOf(seed, shape)
      : finalScenario === 'hints go astray'
        ? strayHintOpsOf(seed, shape)
        : []
  return { seed, shape, ops: ops.toSorted((a, b) => a.atMs - b.atMs), finalScenario, moves }
}

/**
 * Somebody sets the dates of the clients to and fro; of chances of its own, so that the rest of a seed is as it was.
 */
function dateOpsOf(seed: number, shape: Shape): Planned[] {
  const chance = new Chance(seed, 'dates')
  const ops: Planned[] = []
  if (chance.happens(0.4)) return ops
  for (let at = chance.int(100, 6_000); at < TROUBLE_MS; at += chance.int(500, 8_000)) {
    const client = chance.int(0, shape.clients + shape.presence.tabs - 1)
    const farMs = chance.pick([1_000, 60_000, HOUR_MS, 24 * HOUR_MS, 400 * 24 * HOUR_MS])
    ops.push({ atMs: at, kind: 'stepClientDate', client, byMs: chance.happens(0.5) ? farMs : -farMs })
  }
  return ops
}

const HOUR_MS = 3_600_000

/** Each plan has a few kinds of trouble that come often, so that seeds differ in what they dwell on. */
function focusOf(chance: Chance): readonly Trouble[] {
  return Array.from({ length: chance.int(1, 3) }, () => chance.pick(TROUBLES))
}

const TROUBLES = [
  'grant',
  'revoke',
  'show',
  'removeSpace',
  'createSpace',
  'prune',
  'restore',
  'replay',
  'watch',
  'unwatch',
  'retry',
  'reload',
  'sleep',
  'network',
  'cut',
  'cutAll',
  'stall',
  'stall',
  'stall',
  'crash',
  'drain',
  'freeze',
  'apiAway',
  'headsAway',
  'redisAway',
  'busCut',
  'busForgets',
] as const satisfies readonly Op['kind'][]

type Trouble = (typeof TROUBLES)[number]

const WRITES = [
  'say',
  'say',
  'append',
  'append',
  'append',
  'edit',
  'unsay',
  'arrive',
  'leave',
  'rename',
  'promote',
] as const satisfies readonly WriteKind[]

function publishOf(chance: Chance): PublishMode {
  if (chance.happens(0.08)) return 'never'
  return { afterMs: chance.happens(0.2) ? chance.int(20, 400) : chance.int(0, 5) }
}

function opOf(chance: Chance, shape: Shape, focus: readonly Trouble[]): Op {
  if (chance.happens(0.62)) return writeOf(chance, shape)
  return troubleOf(chance.happens(0.6) ? (chance.pick(focus) ?? 'cut') : chance.pick(TROUBLES), chance, shape)
}

const writeOf = (chance: Chance, shape: Shape): Op => ({
  kind: 'write',
  space: chance.int(0, shape.spaces - 1),
  what: Array.from({ length: chance.happens(0.7) ? 1 : chance.int(2, 5) }, () => chance.pick(WRITES)),
  salt: chance.int(0, 1_000_000),
  api: chance.int(0, 1),
  publish: publishOf(chance),
})

function troubleOf(kind: Trouble, chance: Chance, shape: Shape): Op {
  const space = chance.int(0, shape.spaces - 1)
  const client = chance.int(0, shape.clients - 1)
  const gateway = chance.int(0, shape.gateways - 1)
  const forMs = chance.pick([chance.int(50, 800), chance.int(800, 4_000), chance.int(2_000, 12_000)])
  const publish = publishOf(chance)
  switch (kind) {
    case 'grant':
    case 'revoke':
      return { kind, space, client, publish }
    case 'show':
      return { kind, space, visibility: chance.pick(['public', 'private']), publish }
    case 'removeSpace':
    case 'createSpace':
      return { kind, space, publish }
    case 'prune':
      return { kind, space, keep: chance.int(0, 12) }
    case 'restore':
      return { kind, space, lost: chance.int(0, 12) }
    case 'replay':
      return { kind, space, pick: chance.int(0, 1_000_000) }
    case 'watch':
    case 'unwatch':
      return { kind, client, space }
    case 'retry':
    case 'reload':
      return { kind, client }
    case 'sleep':
      return { kind, client, forMs: forMs * 2 }
    case 'network':
      return { kind, client, event: chance.pick(['networkFound', 'networkLost', 'pageShown']) }
    case 'cut':
      return { kind, client, clientSees: chance.happens(0.7), gatewaySees: chance.happens(0.7) }
    case 'stall':
      return { kind, client, way: chance.pick(['down', 'down', 'down', 'up', 'both']), forMs: forMs * 2 }
    case 'crash':
      return { kind, gateway, clientsSee: chance.happens(0.7), forMs }
    case 'drain':
    case 'freeze':
      return { kind, gateway, forMs }
    case 'apiAway':
      return { kind, how: chance.pick(['refuses', 'hangs', 'unavailable']), forMs }
    case 'cutAll':
      return { kind }
    case 'headsAway':
    case 'redisAway':
      return { kind, forMs }
    case 'busCut':
      return { kind, gateway, unnoticedMs: chance.happens(0.5) ? 0 : chance.int(200, 1_500) }
    case 'busForgets':
      return { kind, gateway, space }
    default:
      return kind satisfies never
  }
}
