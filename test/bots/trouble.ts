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
const FROZEN_MS = 1_300
const GATEWAY_EVERY = 5
const API_EVERY = 7
const FREEZE_EVERY = 4

/** Each blow is made good before the next. `blows` is counted as they fall. */
export async function makeTrouble({ copies, gateways, apis, random, isOver }: Trouble, blows: Blows): Promise<void> {
  for (let round = 1; !isOver(); round += 1) {
    await sleep(150 + random.below(700))
    const copy = random.pick(copies)
    if (round % FREEZE_EVERY === 0) {
      copy.signal('SIGSTOP')
      await sleep(FROZEN_MS)
      copy.signal('SIGCONT')
      blows.frozen += 1
    } else {
      await copy.kill()
      await copy.start()
      blows.killed += 1
    }
    if (round % GATEWAY_EVERY === 0) {
      await restart(random.pick(gateways))
      blows.gateways += 1
    }
    if (round % API_EVERY === API_EVERY - 1) {
      await restart(random.pick(apis))
      blows.apis += 1
    }
  }
}

async function restart(node: ClusterNode): Promise<void> {
  await node.kill()
  await node.start()
}
