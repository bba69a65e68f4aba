/**
 * The bus against a real Redis: killed, cut, silent. No node is at this one, so that it is silent when it has to be.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { randomUUID } from 'node:crypto'
import { encodeSignalMessage, type Heads, REDIS } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '@rhizom/machine'
import { createConditions } from '../conditions.ts'
import type { BusListener } from '../ports.ts'
import { quietRedisUrl, sealedForTests, sealForTests, TestLog } from '../testing/test-gateway.ts'
import { Wall } from '../wall.ts'
import { RedisBus } from './bus.ts'

class Ear implements BusListener {
  readonly heard: string[] = []
  readonly told: Heads[] = []
  joined = (space: string): void => void this.heard.push(`joined ${space}`)
  message: BusListener['message'] = (space, message): void =>
    void this.heard.push(`${space} ${new TextDecoder().decode(message).split('\n')[0]}`)
  heads = (heads: Heads): void => void this.told.push(heads)
  wasUpWhenLost: boolean | undefined
  lost = (): void => {
    this.heard.push('lost')
    // Asked at once: it may be up again before a test looks.
    this.wasUpWhenLost = bus.isUp()
  }
  recovered = (): void => void this.heard.push('recovered')
  revoked = (): void => {}
  work = (beings: readonly string[]): void => void this.heard.push(`work ${beings.join(' ')}`)
  news = (): void => {}
  deaf = (): void => void this.heard.push('deaf')
  gatewayBeat = (): void => {}

  count(what: string): number {
    return this.heard.filter((one) => one === what).length
  }
}

let admin: Redis
let proxy: TcpProxy
let bus: RedisBus
let ear: Ear
let log: TestLog
let errors = 0
const name = `rhizom-test-${randomUUID()}`
const space = `@t${randomUUID()}`
const signal = (from: string): Uint8Array => encodeSignalMessage(space, from, 'wave', {})

const busWith = ({ silenceMs }: { silenceMs: number }): RedisBus =>
  new RedisBus({
    url: `redis://127.0.0.1:${proxy.port}`,
    name,
    seal: sealForTests(),
    clock: systemClock,
    random: Math.random,
    log,
    conditions: createConditions(log, systemClock),
    timeoutMs: 500,
    silenceMs,
    wall: new Wall(log, () => {}),
    connectedAnew: () => void ear.heard.push('anew'),
    received: () => {},
    failed: () => void errors++,
  })

beforeEach(async () => {
  admin = new Redis(quietRedisUrl())
  proxy = await TcpProxy.listen('redis', targetOf(quietRedisUrl()))
  log = new TestLog()
  ear = new Ear()
  errors = 0
  bus = busWith({ silenceMs: 60_000 })
  bus.start(ear)
  bus.join(space)
  await eventually('the bus is up', () => bus.isUp())
})

afterEach(async () => {
  await bus.stop()
  await proxy.close()
  admin.disconnect()
})

const speak = (from: string) =>
  admin.publish(REDIS.spaceChannel(space), sealedForTests(REDIS.spaceChannel(space), signal(from)))
const hears = async (from: string): Promise<void> => {
  await speak(from)
  await eventually(`${from} is heard`, () => ear.heard.includes(`${space} rhizom1 signal ${from} wave`))
}

describe('the bus over Redis', () => {
  test('G83 a Redis that answers and carries no heads is deaf, is given up once the api has answered, and heals', async () => {
    await bus.stop()
    ear.heard.length = 0
    bus = busWith({ silenceMs: 400 })
    bus.start(ear)
    bus.join(space)
    await eventually('the silence is noticed', () => ear.heard.includes('deaf'))
    expect(bus.isUp()).toBe(false)
    const said = (message: RegExp) => log.lines.filter((line) => message.test(line.message)).length
    expect(said(/carries nothing/)).toBe(1)
    const isGivenUp = (): boolean => {
      bus.apiAnswered()
      return ear.heard.includes('lost')
    }
    await eventually('another connection is tried', isGivenUp)
    await eventually('which is joined', () => ear.count('recovered') >= 2)
    expect(ear.count('anew')).toBeGreaterThan(0)
    const announcing = setInterval(
      () => void admin.publish(REDIS.headsChannel, sealedForTests(REDIS.headsChannel, '{}')),
      50,
    )
    try {
      await eventually('with heads it stays up', () => ear.told.length > 20 && bus.isUp())
      await eventually('it is said', () => said(/heads arrive again/) > 0)
      await hears('@back')
    } finally {
      clearInterval(announcing)
    }
  })

  test('G83 whoever is connected for longer than what listens connects anew as well', async () => {
    const idsOf = async (suffix: string): Promise<string[]> => {
      const list = String(await admin.client('LIST'))
      return [...list.matchAll(/^id=(\d+) .* name=(\S+)/gm)].flatMap(([, id = '', its]) =>
        its === `${name}${suffix}` ? [id] : [],
      )
    }
    await eventually(
      'both are connected',
      async () => (await idsOf('')).length + (await idsOf('-publish')).length === 2,
    )
    const [[listening = ''], [publishing]] = [await idsOf(''), await idsOf('-publish')]
    expect(ear.count('anew')).toBe(0)
    await admin.client('KILL', 'ID', listening)
    await eventually('it listens again', () => ear.count('recovered') >= 2)
    expect(ear.count('anew')).toBe(1)
    await eventually('what publishes is another one', async () => {
      const [now] = await idsOf('-publish')
      return now !== undefined && now !== publishing
    })
    await hears('@back')
  })

  test('G80 what a message sets off ends there: the fault is said once, and the next message is heard', async () => {
    const hear = ear.message
    ear.message = () => {
      ear.message = hear
      throw new Error('planted')
    }
    await speak('@bad')
    await hears('@good')
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { behind: 'bus', err: { message: expect.stringContaining('planted') } } },
    ])
  })

  test('G40 a channel counts as joined when Redis said so, and what is published then arrives', async () => {
    expect(ear.heard).toEqual([`joined ${space}`, 'recovered'])
    await hears('@a')
    bus.publish(space, signal('@b'))
    await eventually('it hears itself', () => ear.heard.includes(`${space} rhizom1 signal @b wave`))
    bus.leave(space)
    await eventually('the channel is left', async () => {
      const [, count] = (await admin.pubsub('NUMSUB', REDIS.spaceChannel(space))) as [string, number]
      return count === 0
    })
    expect(await bus.answers()).toBe(true)
  })

  test('G43 a listening connection that Redis kills is replaced and joins everything anew', async () => {
    const second = `@t${randomUUID()}`
    bus.join(second)
    await eventually('the second is joined', () => ear.heard.includes(`joined ${second}`))
    const list = String(await admin.call('CLIENT', 'LIST', 'TYPE', 'PUBSUB'))
    const own = list.split('\n').find((line) => line.includes(`name=${name} `))
    const id = /\bid=(\d+)/.exec(own ?? '')?.[1]
    await admin.client('KILL', 'ID', id ?? '')
    await eventually('it recovers', () => ear.count('recovered') === 2)
    expect(ear.count('lost')).toBe(1)
    expect(ear.heard.indexOf('lost')).toBeLessThan(ear.heard.lastIndexOf(`joined ${space}`))
    for (const one of [space, second]) expect(ear.count(`joined ${one}`)).toBe(2)
    await hears('@after')
  })

  test('G43 a connection that falls silent is noticed', async () => {
    proxy.abandon()
    await eventually('it is noticed', () => ear.count('lost') === 1)
    expect(ear.wasUpWhenLost).toBe(false)
    await eventually('it recovers', () => ear.count('recovered') === 2)
    await hears('@after')
  })

  test('G40 what is asked for while Redis is away is joined when it is back, what was left is not', async () => {
    proxy.cut()
    await eventually('it is lost', () => ear.count('lost') === 1)
    const later = `@t${randomUUID()}`
    bus.join(later)
    bus.leave(space)
    proxy.heal()
    await eventually('it recovers', () => ear.count('recovered') === 2)
    expect(ear.count(`joined ${later}`)).toBe(1)
    expect(ear.count(`joined ${space}`)).toBe(1)
  })

  test('G42 trouble is logged once per interval and counted each time', async () => {
    proxy.cut()
    await eventually('there is trouble', () => errors > 20)
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    expect(await bus.answers()).toBe(false)
  })

  test('G35 heads are passed on', async () => {
    const epoch = randomUUID()
    const heads = JSON.stringify({ [space]: { epoch, version: 7 } })
    await admin.publish(REDIS.headsChannel, sealedForTests(REDIS.headsChannel, heads))
    await eventually('they are heard', () => ear.told.some((heads) => heads[space] !== undefined))
    expect(ear.told.find((heads) => heads[space] !== undefined)?.[space]).toEqual({ epoch, version: 7 })
  })
})
