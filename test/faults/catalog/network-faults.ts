/** Links between any two parts, cut (connections reset, new ones refused) or blackholed (accepted, then silence). */
import type { Fault, Stage } from '../fault.ts'
import type { Link, LinkKind } from '../rig.ts'
import { withRedis } from '../stores.ts'

const KINDS: readonly LinkKind[] = ['api→postgres', 'api→redis', 'gateway→redis', 'gateway→api', 'clients→gateway']

/** Longer than the patience of whoever is at the near end, so that it has to act by itself. */
const SILENT_MS: Record<LinkKind, number> = {
  'api→postgres': 2_000,
  'api→redis': 2_000,
  'gateway→redis': 4_000,
  'gateway→api': 2_500,
  'clients→gateway': 3_500,
}

/** A gateway that finds the way to Redis open again. */
const REJOINS_WITHIN_MS = 3_000

const links = (kind: LinkKind, { rig, random }: Stage, extent: 'all' | 'one'): Link[] => {
  const all = rig.linksOf(kind)
  return extent === 'all' ? all : [random.pick(all)]
}

/** A gateway that gets everything over the bus needs no api: what it got is made incomplete, so that it does. */
async function makeNeeded(kind: LinkKind, { rig }: Stage): Promise<void> {
  if (kind !== 'gateway→api') return
  await withRedis(rig.stores.redis.primary.url, (client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
}

const nameOf = (kind: LinkKind, how: string, extent: 'all' | 'one'): string =>
  `${kind} ${how}${kind === 'gateway→api' ? ', subscribers killed' : ''}${extent === 'one' ? ', one link' : ''}`

/**
 * With the others at Redis meanwhile, a gateway that is cut off for longer than its lease cannot be told from a dead
 * one.
 */
function losesItsLease({ rig, clients }: Stage, broken: readonly Link[], struckAt: number): void {
  const until = performance.now() + REJOINS_WITHIN_MS
  for (const { node } of broken)
    clients.presence.attendance.cutOff(
      rig.gateways.findIndex(({ name }) => name === node),
      struckAt,
      until,
    )
}

const cut = (kind: LinkKind, extent: 'all' | 'one'): Fault => ({
  name: nameOf(kind, 'cut', extent),
  weight: 2,
  holdMs: 1_200,
  async strike(stage) {
    const broken = links(kind, stage, extent)
    for (const { proxy } of broken) proxy.cut()
    await makeNeeded(kind, stage)
    return async () => {
      for (const { proxy } of broken) proxy.heal()
    }
  },
})

const blackholed = (kind: LinkKind, extent: 'all' | 'one'): Fault => ({
  name: nameOf(kind, 'blackholed', extent),
  weight: 2,
  holdMs: SILENT_MS[kind],
  async strike(stage) {
    const broken = links(kind, stage, extent)
    const struckAt = performance.now()
    for (const { proxy } of broken) proxy.blackhole()
    await makeNeeded(kind, stage)
    return async () => {
      for (const { proxy } of broken) proxy.heal()
      if (kind === 'gateway→redis' && extent === 'one') losesItsLease(stage, broken, struckAt)
    }
  },
})

const SLOW_MS = 120

const slow: Fault = {
  name: 'every link slow',
  weight: 1,
  holdMs: 1_500,
  async strike({ rig }) {
    for (const { proxy } of rig.links) proxy.delay(SLOW_MS)
    return async () => {
      for (const { proxy } of rig.links) proxy.heal()
    }
  },
}

export const networkFaults: readonly Fault[] = KINDS.flatMap((kind) => [cut(kind, 'all'), blackholed(kind, 'all')])

/** Only in long runs: a part of what the short run breaks as a whole. */
export const partialNetworkFaults: readonly Fault[] = [
  ...KINDS.flatMap((kind) => [cut(kind, 'one'), blackholed(kind, 'one')]),
  slow,
]
