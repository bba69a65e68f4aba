/** Redis gone, empty, frozen, refusing its subscribers, and replaced by a replica that lags. */
import { REDIS } from '@rhizom/protocol'
import { eventually } from '@rhizom/kit/eventually.ts'
import { utterance } from '../../wire/api-caller.ts'
import { type Fault, nothingToHeal, type Stage } from '../fault.ts'
import { placeGuests, untilEverybody } from '../presence/guests.ts'
import { withRedis } from '../stores.ts'

const ask = (stage: Stage, ...[command = '', ...args]: string[]): Promise<unknown> =>
  withRedis(stage.rig.stores.redis.primary.url, (client) => client.call(command, ...args))

const killed: Fault = {
  name: 'Redis killed (SIGKILL)',
  weight: 3,
  holdMs: 1_500,
  async strike({ rig }) {
    await rig.stores.redis.primary.kill()
    return () => rig.stores.redis.primary.startAgain()
  },
}

const stoppedAndEmpty: Fault = {
  name: 'Redis stopped (SIGTERM), restarted empty',
  weight: 3,
  holdMs: 2_500,
  async strike({ rig }) {
    await rig.stores.redis.primary.stop('SIGTERM')
    return () => rig.stores.redis.primary.startAgain()
  },
}

const frozen: Fault = {
  name: 'Redis frozen (SIGSTOP, SIGCONT)',
  weight: 2,
  holdMs: 4_500,
  async strike({ rig }) {
    rig.stores.redis.primary.freeze()
    return async () => rig.stores.redis.primary.thaw()
  },
}

const command = (name: string, ...words: string[]): Fault => ({
  name,
  weight: 3,
  holdMs: 800,
  async strike(stage) {
    await ask(stage, ...words)
    return nothingToHeal
  },
})

/** Larger than Redis' own small buffer for each client, so that the limit is reached by one message. */
const LARGE_BYTES = 48 * 1024

const outputBufferLimit: Fault = {
  name: 'subscribers killed by the output buffer limit',
  weight: 2,
  holdMs: 500,
  async strike(stage) {
    const { clients } = stage
    await ask(stage, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 16kb 0 0')
    const connectionsBefore = await eventually('every gateway has subscribed', async () => {
      const all = await pubsubConnections(stage)
      return all.length >= stage.rig.gateways.length && all
    })
    for (const space of clients.spaces.busy)
      await clients.write({ ...utterance(space, 'x'.repeat(LARGE_BYTES)), space })
    const survivors = await eventually('subscribers are killed', async () => {
      const left = (await pubsubConnections(stage)).filter((id) => connectionsBefore.includes(id))
      return left.length < connectionsBefore.length && left
    })
    stage.note(`${connectionsBefore.length - survivors.length} of ${connectionsBefore.length} subscribers killed`)
    return async () => {
      await ask(stage, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60')
    }
  },
}

async function pubsubConnections(stage: Stage): Promise<string[]> {
  const list = String(await ask(stage, 'CLIENT', 'LIST', 'TYPE', 'pubsub'))
  return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id)
}

/**
 * The replica is cut off first, so that it lacks what was said last and lists some who have left since, and is then
 * made the one in use.
 */
const laggingReplicaPromoted: Fault = {
  name: 'lagging Redis replica promoted',
  weight: 2,
  holdMs: 1_000,
  async strike(stage) {
    const { stores, gateways } = stage.rig
    const { primary: former, replica: promoted } = stores.redis
    const guests = await placeGuests(stage, stage.random.below(gateways.length))
    const listed = async (): Promise<number> => {
      const fields = await withRedis(promoted.url, (client) => client.hkeys(REDIS.here(stage.clients.spaces.churn)))
      return fields.filter((field) => guests.some(({ being }) => field.endsWith(`/${being}`))).length
    }
    await eventually('the replica lists the guests', async () => (await listed()) === guests.length)
    stores.replication.blackhole()
    await ask(stage, 'SET', 'rhizom:fault', 'not on the replica')
    for (const page of guests) stage.clients.visitors.close(page, 'politely')
    await untilEverybody(stage, 'misses', guests)
    await stage.clients.untilWritten(20, 10_000)
    await withRedis(promoted.url, (client) => client.replicaof('NO', 'ONE'))
    const lacks = (await withRedis(promoted.url, (client) => client.get('rhizom:fault'))) === null
    if (!lacks) stage.problem('the replica did not lag')
    stage.note(`${await listed()} listed who have left`)
    stores.redis = { primary: promoted, replica: former }
    stage.rig.pointAtPrimary()
    await former.kill()
    return async () => {
      await former.startAgain()
      await stores.follow()
    }
  },
}

export const redisFaults: readonly Fault[] = [
  killed,
  stoppedAndEmpty,
  frozen,
  command('Redis emptied (FLUSHALL)', 'FLUSHALL'),
  command('CLIENT KILL TYPE pubsub', 'CLIENT', 'KILL', 'TYPE', 'pubsub'),
  command('CLIENT KILL TYPE normal', 'CLIENT', 'KILL', 'TYPE', 'normal'),
  outputBufferLimit,
  laggingReplicaPromoted,
]
