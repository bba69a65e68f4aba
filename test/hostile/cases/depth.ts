/** JSON nested deeper than any stack: in every frame and every body, at every place of them, and on the bus. */
import { clientFrameSchema, REDIS } from '@rhizom/protocol'
import { z } from 'zod'
import { withRedis } from '../../faults/stores.ts'
import { Chance } from '../../simulation/chance.ts'
import { HttpPeer } from '../bytes/http-peer.ts'
import { WsPeer } from '../bytes/ws-peer.ts'
import { type JsonSchema, SchemaValues } from '../fuzz/json-schema.ts'
import { nested, placesOf, withTextAt } from '../fuzz/places.ts'
import { addressOf, isForOperators, pathOf, readOperations } from '../operations.ts'
import type { Arena, Attack } from '../stage.ts'
import { problemOfAnswer } from '../well-formed.ts'

const DEPTHS = [33, 2_000, 32_000] as const
const KINDS = ['arrays', 'objects', 'both'] as const
const SERVED_WITHIN_MS = 60_000
const LONGEST = 64 * 1024

/** Every frame with something deep at every place of it, and beside its fields. */
function deepFrames(space: string): string[] {
  const chance = new Chance(1, 'depth')
  const schema: JsonSchema = z.toJSONSchema(clientFrameSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const values = new SchemaValues(schema, (field) => (field === 'space' ? space : undefined), 1)
  return values.alternatives().flatMap((draw) => {
    const frame = { ...Object(draw(chance)), beside: 1, state: {}, data: {} }
    return placesOf(frame).flatMap(({ path }) =>
      DEPTHS.map((depth) => withTextAt(frame, path, deep(depth, path.length))),
    )
  })
}

const deep = (depth: number, turn: number): string => {
  const text = nested(depth, KINDS[turn % KINDS.length])
  return text.length > LONGEST ? nested(depth) : text
}

/** Each over a connection of its own, so that no limit hides the next. */
async function inFrames({ gateways: [gateway], claim, space }: Arena, token: string | undefined): Promise<void> {
  for (const frame of deepFrames(space)) {
    const ws = await WsPeer.open(gateway)
    if (token !== undefined) await ws.say({ type: 'hello', protocol: 1, token }, { type: 'subscribe', space })
    await ws.send(frame)
    const isServed = await ws.isServed(SERVED_WITHIN_MS)
    claim(isServed || ws.closeCode !== undefined, `closed without a code after ${frame.slice(0, 80)}`)
    claim(ws.violations.length === 0, ws.violations.join())
    ws.cut()
  }
}

async function inBodies({ claim, stranger, cluster, space }: Arena): Promise<void> {
  const { token } = await stranger()
  const [api] = cluster.apis
  if (api === undefined) throw new Error('there is no api')
  const chance = new Chance(1, 'depth')
  for (const operation of (await readOperations(api)).filter(({ body }) => body !== undefined)) {
    const ofOurs = isForOperators(operation.path) ? cluster.operatorToken : cluster.internalToken
    const bearer = addressOf(api, operation.path) === api.url ? token : ofOurs
    const address = addressOf(api, operation.path)
    const http = { peer: await HttpPeer.open(address) }
    const values = new SchemaValues(operation.document, (field) => (field === 'space' ? space : undefined), 1)
    const samples = values.alternatives(operation.body).map((draw) => draw(chance))
    for (const sample of samples)
      for (const { path } of placesOf(sample))
        for (const depth of DEPTHS) {
          if (http.peer.isClosed) http.peer = await HttpPeer.open(address)
          const answer = await http.peer.ask({
            method: operation.method,
            path: pathOf(operation, () => space),
            headers: [
              ['Authorization', `Bearer ${bearer}`],
              ['Content-Type', 'application/json'],
            ],
            body: withTextAt(sample, path, deep(depth, path.length)),
          })
          const problem = answer === undefined ? 'no answer' : problemOfAnswer(answer)
          claim(problem === undefined, `${operation.method} ${operation.path}, ${depth} deep: ${problem}`)
        }
    http.peer.cut()
  }
}

async function onTheBus({ cluster, space }: Arena): Promise<void> {
  const epoch = '01890000-0000-7000-8000-000000000000'
  await withRedis(cluster.redisUrl, async (redis) => {
    for (const depth of DEPTHS) {
      const json = nested(depth)
      const bodies = [json, `{"a":${json}}`, nested(depth, 'objects')]
      for (const body of bodies) {
        const frame = `{"type":"changes","space":"${space}","epoch":"${epoch}","from":1,"to":2,"changes":${body}}`
        const hint = `{"put":{"@a":{"state":{"a":${body}},"since":1}},"left":{}}`
        for (const message of [
          `rhizom1 changes ${epoch} 1 2 access\n${frame}`,
          `rhizom1 changes ${epoch} 1 2 -\n${frame}`,
          `rhizom1 presence boot 0 1\n${hint}`,
          `rhizom1 presence boot 0 1\n${body}`,
        ])
          await redis.publish(REDIS.spaceChannel(space), message)
        for (const channel of [REDIS.headsChannel, REDIS.revokedChannel, REDIS.gatewaysChannel]) {
          await redis.publish(channel, body)
          await redis.publish(channel, `{"beings":{"@a":${body}},"bootId":"b","wrote":{"@a":${body}}}`)
        }
      }
    }
  })
}

export const depth: readonly Attack[] = [
  {
    name: 'JSON 33, 2,000 and 32,000 deep at every place of every frame, before hello',
    strike: (arena) => inFrames(arena, undefined),
  },
  {
    name: 'the same after hello, while subscribing',
    strike: async (arena) => inFrames(arena, (await arena.stranger()).token),
  },
  { name: 'the same at every place of every body', strike: inBodies },
  { name: 'the same in every message of the bus', strike: onTheBus },
]
