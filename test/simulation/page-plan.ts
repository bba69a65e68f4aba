/**
 * Makes the plan of a seed in which people write on pages: the world of make-plan.ts with few ordinary clients, and
 * browsers whose pages write, are loaded anew, killed, frozen and left, and whose stores and ways to the gateways fail.
 */
import { Chance } from './chance.ts'
import { makePlan } from './make-plan.ts'
import { CALM, NO_PRESENCE, type Op, type Plan, type Planned, type Shape, type Way } from './plan.ts'

/** Shorter than other plans: what concerns gateways alone is shown there. */
export const PAGES_TROUBLE_MS = 16_000

export function makePagePlan(seed: number): Plan {
  const chance = new Chance(seed, 'pages')
  const base = makePlan(seed)
  const pages = {
    hasLocks: Array.from({ length: chance.int(1, 2) }, () => chance.happens(0.85)),
    tabs: chance.pick([1, 2, 2, 3]),
  }
  const weather = { ...base.shape.weather, readFails: chance.happens(0.6) ? chance.next() * 0.3 : 0 }
  const shape: Shape = {
    ...base.shape,
    clients: Math.min(2, base.shape.clients),
    presence: NO_PRESENCE,
    weather: chance.happens(0.2) ? CALM : weather,
    pages,
  }
  const ops: Planned[] = base.ops.filter(
    (op) => op.atMs < PAGES_TROUBLE_MS && WORLD_OPS.has(op.kind) && chance.happens(op.kind === 'write' ? 0.25 : 0.4),
  )
  let at = 300
  while (at < PAGES_TROUBLE_MS) {
    ops.push({ atMs: at, ...opOf(chance, shape, pages.hasLocks.length) })
    at += chance.happens(0.6) ? chance.int(1, 200) : chance.int(300, 1_500)
  }
  return { seed, shape, ops: ops.toSorted((a, b) => a.atMs - b.atMs), finalScenario: 'people move', moves: [] }
}

const WORLD_OPS: ReadonlySet<Op['kind']> = new Set([
  'write',
  'watch',
  'grant',
  'revoke',
  'show',
  'prune',
  'restore',
  'crash',
  'drain',
  'freeze',
  'apiAway',
  'redisAway',
  'busCut',
])

const WAYS: readonly (readonly Way[])[] = [['websocket'], ['mute'], ['websocket', 'sse'], ['mute', 'sse']]

function opOf(chance: Chance, shape: Shape, browsers: number): Op {
  const browser = chance.int(0, browsers - 1)
  const page = chance.int(0, browsers * (shape.pages?.tabs ?? 1) - 1)
  const forMs = chance.pick([chance.int(50, 800), chance.int(800, 4_000), chance.int(3_000, 9_000)])
  if (chance.happens(0.6)) {
    const space = chance.int(0, shape.spaces - 1)
    const what = chance.pick(['say', 'say', 'say', 'append', 'append', 'cancel'] as const)
    return { kind: 'pageWrites', page, space, what, keepsRefused: chance.happens(0.5) }
  }
  const kind = chance.pick(PAGE_TROUBLES)
  switch (kind) {
    case 'pageReloads':
    case 'pageCut':
      return { kind, page }
    case 'pageKilled':
    case 'pageFreezes':
    case 'pageLeft':
      return { kind, page, forMs }
    case 'browserCrashes':
      return { kind, browser, losesLast: chance.happens(0.5), forMs }
    case 'storageSuffers':
      return { kind, browser, trouble: chance.pick(['refuses', 'fails', 'hangs', 'full', 'cleared']), forMs }
    case 'wayBlocked':
      return { kind, browser, ways: chance.pick(WAYS) ?? [], forMs: forMs * 2 }
    case 'gatewaysDie':
      return { kind, forMs: forMs * 2 }
    default:
      return kind satisfies never
  }
}

const PAGE_TROUBLES = [
  'pageReloads',
  'pageReloads',
  'pageCut',
  'pageKilled',
  'pageKilled',
  'pageFreezes',
  'pageLeft',
  'browserCrashes',
  'storageSuffers',
  'wayBlocked',
  'wayBlocked',
  'gatewaysDie',
] as const satisfies readonly Op['kind'][]
