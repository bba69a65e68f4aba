/**
 * Kills what answers at random moments, one after the other, for as long as it is told: mostly copies of the bot, by -9
 * or frozen for longer than their lease, now and then a gateway or an api node.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@rhizom/kit/chance.ts'
import type { ClusterNode } from '../cluster/cluster.ts'

export interface Trouble {
  copies: readonly ClusterNode[]
  gateways: readonly ClusterNode[]
  apis: readonly ClusterNode[]
  random: Random
  isOver(): boolean
}

export interface Blows {
  killed: number
  frozen: number
  gateways: number
  apis: number
}

/** Longer than the lease of test/bots/telling-bot.ts and the duty that looks after it. */
const FROZEN_MS = 2_000
/** Each kind of blow falls within the first rounds. */
const isOf = (round: number, every: number, first: number): boolean => round % every === first % every
const FREEZE = { every: 4, first: 2 }
const GATEWAY = { every: 5, first: 3 }
const API = { every: 7, first: 4 }

/** Each blow is made good before the next. `blows` is counted as they fall. */
export async function makeTrouble({ copies, gateways, apis, random, isOver }: Trouble, blows: Blows): Promise<void> {
  for (let round = 1; !isOver(); round += 1) {
    await sleep(150 + random.below(700))
    const copy = random.pick(copies)
    if (isOf(round, FREEZE.every, FREEZE.first)) {
      copy.signal('SIGSTOP')
      await sleep(FROZEN_MS)
      copy.signal('SIGCONT')
      blows.frozen += 1
    } else {
      await copy.kill()
      await copy.start()
      blows.killed += 1
    }
    if (isOf(round, GATEWAY.every, GATEWAY.first)) {
      await restart(random.pick(gateways))
      blows.gateways += 1
    }
    if (isOf(round, API.every, API.first)) {
      await restart(random.pick(apis))
      blows.apis += 1
    }
  }
}

async function restart(node: ClusterNode): Promise<void> {
  await node.kill()
  await node.start()
}
