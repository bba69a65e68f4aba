/** Processes that die, stop in order, or freeze, one of a kind and all of a kind. */
import type { ClusterNode } from '../../cluster/cluster.ts'
import type { Fault, Stage } from '../fault.ts'
import { doom, leaveTogether, placeGuests } from '../presence/guests.ts'

type Pick = (stage: Stage) => ClusterNode

/** Longer than a client's patience with a silent gateway, and than a gateway's with a silent Redis. */
const FROZEN_MS = 3_500
const GONE_MS = 1_000

const anApi: Pick = ({ rig, random }) => random.pick(rig.apis)
const aGateway: Pick = ({ rig, random }) => random.pick(rig.gateways)

const apiKilled: Fault = {
  name: 'api killed (SIGKILL)',
  weight: 4,
  holdMs: GONE_MS,
  async strike(stage) {
    const node = anApi(stage)
    await node.kill()
    return () => node.start()
  },
}

const stopped = (what: string, pick: Pick): Fault => ({
  name: `${what} stopped (SIGTERM)`,
  weight: 3,
  holdMs: GONE_MS,
  async strike(stage) {
    const node = pick(stage)
    await endInOrder(node, stage)
    return () => node.start()
  },
})

const frozen = (what: string, pick: Pick): Fault => ({
  name: `${what} frozen (SIGSTOP, SIGCONT)`,
  weight: 2,
  holdMs: FROZEN_MS,
  async strike(stage) {
    const node = pick(stage)
    node.signal('SIGSTOP')
    return async () => node.signal('SIGCONT')
  },
})

async function endInOrder(node: ClusterNode, { problem }: Stage): Promise<void> {
  node.signal('SIGTERM')
  const { code, signal } = await node.ended()
  if (code !== 0) problem(`${node.name} ended with ${signal ?? code} when asked to stop`)
}

/** Its beings that do not come back leave everywhere within its lease, once, together; nobody else does. */
const gatewayKilled: Fault = {
  name: 'gateway killed (SIGKILL)',
  weight: 4,
  holdMs: GONE_MS,
  async strike(stage) {
    const node = aGateway(stage)
    const gateway = stage.rig.gateways.indexOf(node)
    const guests = await placeGuests(stage, gateway)
    doom(guests)
    const at = performance.now()
    await node.kill()
    leaveTogether(stage, guests, { gateway, at })
    return () => node.start()
  },
}

const allGatewaysKilled: Fault = {
  name: 'all gateways killed at once',
  weight: 1,
  holdMs: GONE_MS,
  async strike(stage) {
    const { gateways } = stage.rig
    doom(await placeGuests(stage, stage.random.below(gateways.length)))
    await Promise.all(gateways.map((node) => node.kill()))
    return async () => {
      await Promise.all(gateways.map((node) => node.start()))
    }
  },
}

const bothApisKilled: Fault = {
  name: 'both api nodes killed at once',
  weight: 1,
  holdMs: GONE_MS,
  async strike({ rig }) {
    await Promise.all(rig.apis.map((node) => node.kill()))
    return async () => {
      await Promise.all(rig.apis.map((node) => node.start()))
    }
  },
}

const rollingRestart: Fault = {
  name: 'rolling restart of all gateways',
  weight: 2,
  holdMs: 200,
  async strike(stage) {
    for (const node of stage.rig.gateways) {
      await endInOrder(node, stage)
      await node.start()
    }
    return async () => {
      const spaces = stage.clients.allSpaces.length
      for (const { name, internalUrl } of stage.rig.gateways) {
        const reads = await readsForClients(internalUrl)
        stage.note(`${name} read ${reads} times`)
        if (reads > MOST_READS_PER_SPACE * spaces) stage.problem(`${name} read the log ${reads} times`)
      }
    }
  },
}

/** One read opens a space for all who come; one that all left may be opened again, and who is behind needs one more. */
const MOST_READS_PER_SPACE = 3

/** How often a gateway read the log for clients that came, since it started. */
async function readsForClients(gateway: string): Promise<number> {
  const metrics = await (await fetch(`${gateway}/metrics`)).text()
  const lines = metrics.matchAll(/^rhizom_gateway_log_reads_total\{reason="(open|resume|snapshot)"\} (\d+)$/gm)
  return [...lines].reduce((sum, [, , count]) => sum + Number(count), 0)
}

export const processFaults: readonly Fault[] = [
  apiKilled,
  stopped('api', anApi),
  frozen('api', anApi),
  bothApisKilled,
  gatewayKilled,
  stopped('gateway', aGateway),
  frozen('gateway', aGateway),
  allGatewaysKilled,
  rollingRestart,
]
