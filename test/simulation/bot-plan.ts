/**
 * Makes the plan of a seed in which copies of a bot are asked: the world of make-plan.ts with its clients and gateways,
 * a space of its own for questions, and copies that are killed, frozen, cut off and told to stop while people ask, stop
 * and retry.
 */
import { Chance } from './chance.ts'
import { makePlan } from './make-plan.ts'
import { type BotOp, CALM, NO_PRESENCE, type Op, type Plan, type Planned, type Shape } from './plan.ts'

/** Shorter than other plans: what concerns gateways alone is shown there. */
export const BOTS_TROUBLE_MS = 16_000

export function makeBotPlan(seed: number): Plan {
  const chance = new Chance(seed, 'bots')
  const base = makePlan(seed)
  const bots = {
    manners: Array.from({ length: chance.int(2, 3) }, () => chance.pick(['careful', 'hasty'] as const)),
    leaseMs: chance.pick([600, 1_200, 3_000]),
    maxAttempts: chance.pick([2, 3, 50]),
    wordEveryMs: chance.pick([30, 80, 200]),
    words: chance.int(2, 10),
  }
  const weather = { ...base.shape.weather, readFails: chance.happens(0.6) ? chance.next() * 0.3 : 0 }
  const shape: Shape = {
    ...base.shape,
    clients: Math.min(2, base.shape.clients),
    presence: NO_PRESENCE,
    weather: chance.happens(0.2) ? CALM : weather,
    bots,
  }
  const ops: Planned[] = base.ops.filter(
    (op) => op.atMs < BOTS_TROUBLE_MS && WORLD_OPS.has(op.kind) && chance.happens(op.kind === 'write' ? 0.1 : 0.4),
  )
  let at = 300
  while (at < BOTS_TROUBLE_MS) {
    ops.push({ atMs: at, ...opOf(chance, bots.manners.length) })
    at += chance.happens(0.6) ? chance.int(1, 300) : chance.int(300, 1_500)
  }
  return { seed, shape, ops: ops.toSorted((a, b) => a.atMs - b.atMs), finalScenario: 'people move', moves: [] }
}

const WORLD_OPS: ReadonlySet<Op['kind']> = new Set([
  'write',
  'watch',
  'reload',
  'sleep',
  'crash',
  'drain',
  'freeze',
  'apiAway',
  'headsAway',
  'redisAway',
  'busCut',
])

function opOf(chance: Chance, copies: number): BotOp {
  const kind = chance.pick(BOT_OPS)
  const copy = chance.int(0, copies - 1)
  const forMs = chance.pick([chance.int(50, 800), chance.int(800, 4_000), chance.int(3_000, 9_000)])
  switch (kind) {
    case 'botAsked':
      return { kind }
    case 'replyCancelled':
    case 'replyRetried':
      return { kind, pick: chance.int(0, 999) }
    case 'botKilled':
    case 'botFreezes':
    case 'botCutOff':
    case 'botStops':
      return { kind, copy, forMs }
    case 'leaderAway':
      return { kind, forMs }
    default:
      return kind satisfies never
  }
}

const BOT_OPS = [
  'botAsked',
  'botAsked',
  'botAsked',
  'botAsked',
  'botAsked',
  'replyCancelled',
  'replyRetried',
  'botKilled',
  'botFreezes',
  'botCutOff',
  'botStops',
  'leaderAway',
] as const satisfies readonly BotOp['kind'][]
