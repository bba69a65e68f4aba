/** What tries who is here most: a gateway that comes back from the dead, and crowds that come and go at once. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Fault, nothingToHeal, type Stage } from '../fault.ts'
import { leaveTogether, placeGuests } from '../presence/guests.ts'
import { PAST_LEASE_MS } from '../presence/settings.ts'
import { withRedis } from '../stores.ts'
import type { Watcher } from '../watcher.ts'

/** How long a client that waits for a gateway waits on, once it runs again. */
const STILL_PATIENT_MS = 4_000

/**
 * The others bury it. Of those who are here through it some go meanwhile, which it cannot tell; some wait for it, leave
 * with the rest, and are here again once it has found out.
 */
const frozenPastLease: Fault = {
  name: 'gateway frozen past its lease',
  weight: 3,
  holdMs: PAST_LEASE_MS,
  async strike(stage) {
    const node = stage.random.pick(stage.rig.gateways)
    const gateway = stage.rig.gateways.indexOf(node)
    const guests = await placeGuests(stage, gateway)
    const [leaving, waiting] = [
      guests.filter((_, index) => index % 2 === 0),
      guests.filter((_, index) => index % 2 === 1),
    ]
    const at = performance.now()
    for (const { reconnecting } of waiting) reconnecting.patientUntil = at + PAST_LEASE_MS + STILL_PATIENT_MS
    node.signal('SIGSTOP')
    leaveTogether(stage, guests, { gateway, at, livesOn: true })
    for (const page of leaving) stage.clients.visitors.close(page, 'at-once')
    return async () => node.signal('SIGCONT')
  },
}

/** Everybody at once over every gateway, half of them gone at once, the half of those without a word. */
export async function comeAndGo(
  { clients }: Stage,
  between: (pages: readonly Watcher[]) => Promise<void>,
): Promise<void> {
  const pages = clients.visitors.throng(clients.spaces.churn)
  await between(pages)
  const going = pages.filter((_, index) => index % 2 === 0)
  for (const [index, page] of going.entries()) clients.visitors.close(page, index % 2 === 0 ? 'politely' : 'at-once')
}

/** For those of a crowd, who stay: a page that comes and goes by chance may be gone before it is in. */
export async function areIn(pages: readonly Watcher[]): Promise<void> {
  await eventually('the crowd is in', () => pages.every(({ isSettled }) => isSettled))
}

const crowds: Fault = {
  name: 'crowds come and go',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const { clients } = stage
    await comeAndGo(stage, areIn)
    await comeAndGo(stage, async () => undefined)
    stage.note(`${clients.visitors.pages.length} pages open`)
    return nothingToHeal
  },
}

const crowdsAndRedis: Fault = {
  name: 'crowds come and go, Redis emptied and killed',
  weight: 2,
  holdMs: 1_500,
  async strike(stage) {
    const { rig } = stage
    await comeAndGo(stage, async (pages) => {
      await areIn(pages)
      await withRedis(rig.stores.redis.primary.url, (redis) => redis.flushall())
    })
    await comeAndGo(stage, () => rig.stores.redis.primary.kill())
    return () => rig.stores.redis.primary.startAgain()
  },
}

export const presenceFaults: readonly Fault[] = [frozenPastLease, crowds, crowdsAndRedis]
