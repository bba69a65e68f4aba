/**
 * A machine that is busy with other work: nothing dies and nothing is cut, everything is late. Timers of a process that
 * did not run are overdue when it wakes, and what others told it meanwhile lies unread.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../../cluster/cluster.ts'
import { type Fault, nothingToHeal, type Stage } from '../fault.ts'
import { placeGuests } from '../presence/guests.ts'
import type { Random } from '@rhizom/kit/chance.ts'
import { areIn, comeAndGo } from './presence-faults.ts'
import { starve } from '../starvation.ts'
import type { Watcher } from '../watcher.ts'

const LOOPS_ON_A_CORE = 4
const STARVED_MS = 5_000

const pidsOf = ({ rig: { apis, gateways, stores } }: Stage): number[] =>
  [...apis, ...gateways, stores.postgres, stores.redis.primary].map(({ pid }) => pid)

const busy: Fault = {
  name: 'busy loops beside it, all on one core, crowds come and go',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const { how, end } = starve(() => pidsOf(stage), LOOPS_ON_A_CORE)
    stage.note(how)
    try {
      await comeAndGo(stage, areIn)
      await comeAndGo(stage, areIn)
      await sleep(STARVED_MS)
    } finally {
      await end()
    }
    return nothingToHeal
  },
}

/** How long a process is without the processor, and how long it has it in between. */
const WITHOUT_MS = { least: 100, more: 1_000 } as const
const WITH_MS = { least: 5, more: 200 } as const
const RELOAD_EVERY_MS = 50

/** Stops a process now and then for a moment, which it cannot tell from having nothing to do. */
async function stutter(node: ClusterNode, random: Random, until: number): Promise<void> {
  while (performance.now() < until) {
    node.signal('SIGSTOP')
    await sleep(WITHOUT_MS.least + random.below(WITHOUT_MS.more))
    node.signal('SIGCONT')
    await sleep(WITH_MS.least + random.below(WITH_MS.more))
  }
}

/** Guests open their pages again and again, mostly at another gateway, and are here all the while. */
async function reload({ clients, random }: Stage, guests: readonly Watcher[], until: number): Promise<number> {
  const pages = [...guests]
  let reloads = 0
  while (performance.now() < until) {
    const index = random.below(pages.length)
    const page = pages[index]
    if (page?.isSettled === true) {
      pages[index] = clients.visitors.reload(page)
      reloads += 1
    }
    await sleep(RELOAD_EVERY_MS)
  }
  return reloads
}

const stutters: Fault = {
  name: 'every gateway stutters, guests reload',
  weight: 2,
  holdMs: STARVED_MS,
  async strike(stage) {
    const { rig, random, note } = stage
    const guests = await placeGuests(stage, 0)
    const until = performance.now() + STARVED_MS
    const stuttering = Promise.all(rig.gateways.map((node) => stutter(node, random, until)))
    const reloading = reload(stage, guests, until)
    return async () => {
      await stuttering
      note(`${await reloading} reloads`)
    }
  },
}

/** Shorter than what a client, or the harness, takes for the loss of a connection; longer than the grace. */
const STALLED_MS = 1_200
/** A gateway has heard by then that a connection ended. */
const HEARD_MS = 5
const ROUNDS = 4

/**
 * Guests open their page at the next gateway. Once that one is off the processor as soon as it has answered one of
 * them: they are here, and nobody but their clients knows. Once the one they left is, as soon as it knows that they
 * left it.
 */
const stalls: Fault = {
  name: 'gateway stalls as guests come over',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const { rig, clients } = stage
    let pages = await placeGuests(stage, 0)
    for (let round = 1; round <= ROUNDS; round += 1) {
      const gateway = round % rig.gateways.length
      const stalling = rig.gateways[round % 2 === 1 ? gateway : (round - 1) % rig.gateways.length]
      pages = pages.map((page) => clients.visitors.reload(page, gateway))
      if (round % 2 === 1) while (!pages.some(({ isSettled }) => isSettled)) await nextTurn()
      else await sleep(HEARD_MS)
      stalling?.signal('SIGSTOP')
      await sleep(STALLED_MS)
      stalling?.signal('SIGCONT')
      await areIn(pages)
    }
    return nothingToHeal
  },
}

export const starvationFaults: readonly Fault[] = [busy, stutters, stalls]
