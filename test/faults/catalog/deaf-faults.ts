/**
 * A Redis that answers PING and carries nothing, because others are at another one. A replica is promoted while the
 * former primary goes on, and whoever has a connection to that keeps it; a new connection leads to the promoted one.
 *
 *                 api ──► promoted                       api ──► former                      api ──┐
 *   gateways ──► former                   gateways ──► promoted                    gateways ──┴──► former, demoted
 *
 * What is written meanwhile has to reach everybody all the same, before anything is healed.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { isReady } from '../../cluster/cluster.ts'
import { freshId } from '../../wire/api-caller.ts'
import type { Fault, Stage } from '../fault.ts'
import type { LinkKind } from '../rig.ts'
import { EXACT_WITHIN_MS } from '../presence/settings.ts'
import { withRedis } from '../stores.ts'

/** What a gateway that hears no heads is given: the time until it calls Redis deaf, and a read of the log. */
const PROMISED_MS = 3_000
/** What a machine may add that runs all nodes and this drill at once, with other work beside. */
const BUSY_MS = 1_000
const LEVEL_WHILE_IT_LASTS_MS = PROMISED_MS + BUSY_MS
/** After the hold: a gateway that is deaf tries others after some seconds, and again where the api did not answer. */
const FOUND_WITHIN_MS = 15_000
/** Whoever wants to write is refused at once; gateways write with each heartbeat, a third of the lease apart. */
const REFUSED_WITHIN_MS = 500

/** Makes the replica, once it has all, a primary of its own, which new connections lead to. */
async function promote({ rig: { stores, pointAtPrimary } }: Stage): Promise<void> {
  const { primary: former, replica: promoted } = stores.redis
  const mark = freshId('mark')
  await withRedis(former.url, (client) => client.set('rhizom:fault:all', mark))
  await eventually('the replica has it all', () =>
    withRedis(promoted.url, async (client) => (await client.get('rhizom:fault:all')) === mark),
  )
  await withRedis(promoted.url, (client) => client.replicaof('NO', 'ONE'))
  stores.redis = { primary: promoted, replica: former }
  pointAtPrimary()
}

/** All are at the promoted one by themselves, and who is here is exact there, while the former still answers. */
async function untilFound({ rig, clients, note, problem }: Stage, withinMs: number): Promise<void> {
  const begunAt = performance.now()
  const { replica: former } = rig.stores.redis
  await eventually('nobody is left at the former Redis', async () => (await namesAt(former.url)).length === 0)
  const tookMs = rig.took(begunAt)
  if (tookMs > withinMs) problem(`the former Redis was left only ${Math.round(tookMs)} ms after the hold`)
  for (const { name, internalUrl } of rig.gateways) await eventually(`${name} is ready`, () => isReady(internalUrl))
  clients.visitors.hold()
  const { exactMs, problems } = await clients.presence.untilExact(performance.now(), EXACT_WITHIN_MS)
  if (exactMs === undefined) for (const what of problems) problem(`before healing: ${what}`)
  note(`found by themselves ${Math.round(performance.now() - begunAt)} ms after the hold`)
}

/** What connections of ours are called. */
async function namesAt(url: string): Promise<string[]> {
  const list = String(await withRedis(url, (client) => client.call('CLIENT', 'LIST')))
  return [...list.matchAll(/ name=(rhizom-\S+)/g)].map(([, name = '']) => name)
}

/** The former primary is no more, and comes back as a replica. */
export async function endFormer({ rig: { stores } }: Stage): Promise<void> {
  const { replica: former } = stores.redis
  await former.kill()
  await former.startAgain()
  await stores.follow()
}

/** Those at the near end of these links come to the promoted one, all at once; the others stay where they are. */
function moveOver({ rig }: Stage, kind: LinkKind): void {
  for (const { proxy } of rig.linksOf(kind)) proxy.reset()
}

const forGateways: Fault = {
  name: 'Redis deaf for gateways',
  weight: 2,
  holdMs: 4_500,
  servedWithinMs: LEVEL_WHILE_IT_LASTS_MS,
  async strike(stage) {
    await promote(stage)
    moveOver(stage, 'api→redis')
    return async () => {
      await untilFound(stage, FOUND_WITHIN_MS)
      await endFormer(stage)
    }
  },
}

const forTheApi: Fault = {
  name: 'Redis deaf for the api',
  weight: 2,
  holdMs: 4_500,
  servedWithinMs: LEVEL_WHILE_IT_LASTS_MS,
  async strike(stage) {
    await promote(stage)
    moveOver(stage, 'gateway→redis')
    return () => endFormer(stage)
  },
}

/** Demoted under all of them: it refuses what would alter it, and carries what is published by those who stayed. */
const forBoth: Fault = {
  name: 'Redis deaf for both, demoted',
  weight: 2,
  holdMs: 4_500,
  servedWithinMs: LEVEL_WHILE_IT_LASTS_MS,
  async strike(stage) {
    const { stores } = stage.rig
    await promote(stage)
    stores.replication.blackhole()
    await withRedis(stores.redis.replica.url, (client) => client.replicaof('127.0.0.1', stores.replication.port))
    return async () => {
      await untilFound(stage, REFUSED_WITHIN_MS)
      await endFormer(stage)
    }
  },
}

export const deafFaults: readonly Fault[] = [forGateways, forTheApi, forBoth]
