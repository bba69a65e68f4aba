/** Messages on the bus that should not be there: old, twice, in another order, of another history, not understood. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { REDIS } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import { type Fault, nothingToHeal, type Stage } from '../fault.ts'
import { withRedis } from '../stores.ts'

interface Overheard {
  channel: string
  message: Buffer
}

const LISTEN_MS = 600
const ROUNDS = 12

/** Everything said on the bus for a while. */
async function overhear(url: string): Promise<Overheard[]> {
  const heard: Overheard[] = []
  await withRedis(url, async (client) => {
    client.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) => {
      heard.push({ channel: channel.toString(), message })
    })
    await client.psubscribe('rhizom:*')
    await sleep(LISTEN_MS)
    await eventually('something is said on the bus', () => heard.length > 0)
  })
  return heard
}

const ofAnotherHistory = (message: Buffer): Buffer => {
  const text = message.toString()
  const epoch = /^rhizom1 changes (\S+) /m.exec(text)?.[1]
  return epoch === undefined ? message : Buffer.from(text.replaceAll(epoch, randomUUID()))
}

async function repeatWrongly(client: Redis, heard: readonly Overheard[], { random, clients }: Stage): Promise<number> {
  let sent = 0
  const say = async (channel: string, message: Buffer | string): Promise<void> => {
    sent += 1
    await client.publish(channel, message)
  }
  const garbage = [Buffer.of(0, 255, 10), 'rhizom1 changes', 'rhizom2 changes x 1 2 -\n{}', '']
  for (let round = 0; round < ROUNDS; round += 1) {
    const shuffled = heard.toSorted(() => random.next() - 0.5)
    for (const { channel, message } of shuffled.slice(0, 25)) await say(channel, message)
    for (const { channel, message } of heard.slice(-5).toReversed()) await say(channel, message)
    for (const { channel, message } of shuffled.slice(0, 2)) await say(channel, ofAnotherHistory(message))
    for (const space of clients.spaces.busy) await say(REDIS.spaceChannel(space), random.pick(garbage))
    await say(REDIS.headsChannel, random.pick(['{}', 'not json', JSON.stringify({ [clients.spaces.quiet]: 3 })]))
    await sleep(30)
  }
  return sent
}

const wrongMessages: Fault = {
  name: 'stale, repeated and shuffled messages on the bus',
  weight: 3,
  holdMs: 300,
  async strike(stage) {
    const { url } = stage.rig.stores.redis.primary
    const heard = await overhear(url)
    const sent = await withRedis(url, (client) => repeatWrongly(client, heard, stage))
    stage.note(`${sent} messages injected`)
    return nothingToHeal
  },
}

/** What one node publishes comes later than what the other publishes after it. */
const outOfOrder: Fault = {
  name: 'two api nodes publish out of order',
  weight: 3,
  holdMs: 1_500,
  async strike({ rig, random }) {
    const late = random.pick(rig.linksOf('api→redis'))
    late.proxy.delay(150)
    return async () => late.proxy.heal()
  },
}

export const busFaults: readonly Fault[] = [wrongMessages, outOfOrder]
