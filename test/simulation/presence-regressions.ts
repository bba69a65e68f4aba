/** Kept plans about who is here (see regressions.ts). */
import type { Regression } from './regression.ts'
import { CALM, NO_PRESENCE, type Op, type Planned, type PresenceTuning, type Shape, type Tuning } from './plan.ts'

const HERE: PresenceTuning = { ...NO_PRESENCE, leaseMs: 4_000, graceMs: 800 }

const shapeOf = (counts: Pick<Shape, 'gateways' | 'clients'>, presence: PresenceTuning, tuning: Tuning): Shape => ({
  ...counts,
  spaces: 1,
  weather: CALM,
  presence,
  tuning,
})

const comeIn = (client: number, atMs: number): Planned => ({ atMs, kind: 'comeIn', client, space: 0 })
const state = (client: number, atMs: number): Planned => ({ atMs, kind: 'state', client, space: 0, value: atMs })
const reload = (client: number, atMs: number): Planned => ({ atMs, kind: 'reload', client })
const removal = { kind: 'removeSpace', space: 0, publish: { afterMs: 3 } } as const satisfies Op

const words = { kind: 'write', space: 0, salt: 1, api: 0, publish: { afterMs: 1 } } as const
const FREQUENT = { heartbeatMs: 1_000, fanOutWindowMs: 40 } as const

export const presenceRegressions = (tuning: Tuning): Regression[] => [
  {
    name: 'somebody whom a promoted replica remembers in a space that nobody watches',
    found:
      'an entry that a living gateway had removed came back with an old replica and stayed, a ghost for whoever asked ' +
      'the api, since no roster of that space compared it with what should be there',
    luck: 3,
    plan: {
      seed: 76,
      shape: shapeOf({ gateways: 1, clients: 4 }, { ...HERE, leaseMs: 10_000 }, tuning),
      ops: [
        comeIn(3, 6_212),
        { atMs: 15_207, kind: 'replicaPromoted', lagMs: 3_689, forMs: 403 },
        { ...removal, atMs: 15_341 },
      ],
      finalScenario: 'people move',
      moves: [],
    },
  },
  {
    name: 'Redis loses everything and one gateway notices before the others',
    found:
      'the first to notice says so by heartbeat, the others read the hash on account of it, and each gave up those whose ' +
      'leases were gone, though its own was gone as well and it had only not looked yet',
    luck: 16,
    plan: {
      seed: 452,
      shape: shapeOf({ gateways: 3, clients: 4 }, { ...HERE, leaseMs: 10_000 }, tuning),
      ops: [comeIn(0, 4_700), comeIn(1, 4_800), comeIn(2, 4_900), comeIn(3, 5_000)],
      finalScenario: 'Redis loses everything',
      moves: [],
    },
  },
  {
    name: 'a head of a former history, named while who is here waits to be told',
    found:
      'after a new epoch a heartbeat named the last version of the former one whenever a presence frame waited to be ' +
      'sent, and clients asked for what does not exist',
    luck: 4,
    plan: {
      seed: 3_654,
      shape: shapeOf({ gateways: 1, clients: 4 }, { ...HERE, tabs: 2, windowMs: 30 }, { ...tuning, ...FREQUENT }),
      ops: [
        { atMs: 0, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
        ...[0, 1, 2, 3, 4, 5].map((client) => comeIn(client, 100 + client)),
        { ...words, atMs: 900, what: ['say', 'say', 'say', 'say', 'say'] },
        { atMs: 2_000, kind: 'restore', space: 0, lost: 4 },
        ...Array.from({ length: 400 }, (_, index) => state(index % 6, 3_000 + index * 35)),
      ],
      finalScenario: 'people move',
      moves: [],
    },
  },
  {
    name: 'somebody who was here through a gateway whose lease ran out, in a space that is gone',
    found: 'only one seed in hundreds caught entries of a dead gateway left where nobody watches',
    luck: 3,
    plan: {
      seed: 147,
      shape: shapeOf({ gateways: 1, clients: 2 }, { ...HERE, tabs: 1, graceMs: 3_000, windowMs: 400 }, tuning),
      ops: [
        { ...removal, atMs: 368 },
        comeIn(2, 515),
        { atMs: 7_179, kind: 'reload', client: 2 },
        { atMs: 7_228, kind: 'createSpace', space: 0, publish: { afterMs: 153 } },
        { atMs: 8_563, kind: 'reload', client: 2 },
        { ...removal, atMs: 8_929 },
        { atMs: 8_931, kind: 'redisStandsStill', forMs: 3_177 },
      ],
      finalScenario: 'people move',
      moves: [],
    },
  },
  {
    name: 'the last hint of all is lost',
    found: 'only one seed in hundreds caught a gateway whose heartbeats do not say what it wrote',
    luck: 8,
    plan: {
      seed: 122,
      shape: shapeOf({ gateways: 3, clients: 2 }, { ...HERE, tabs: 1 }, tuning),
      ops: [comeIn(0, 810), comeIn(2, 1_006)],
      finalScenario: 'hints go astray',
      moves: [state(2, 2_929), state(2, 3_228), state(2, 3_627)],
    },
  },
  {
    name: 'people move between gateways while others begin to look',
    found:
      'only one seed in hundreds caught a gateway that forgets the hints that come while it reads the hash: somebody who ' +
      'comes elsewhere at that moment is called away when the gateway they came from says that they left',
    luck: 4,
    plan: {
      seed: 46,
      shape: shapeOf(
        { gateways: 3, clients: 4 },
        { ...HERE, tabs: 0, leaseMs: 10_000, windowMs: 30 },
        { ...tuning, lingerMs: 50 },
      ),
      ops: [
        { atMs: 0, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
        ...[0, 1, 2, 3].map((client) => comeIn(client, 500 + client)),
        ...Array.from({ length: 10 }, (_, index) =>
          [0, 1, 2, 3].map((client) => reload(client, 4_000 + index * 1_500)),
        ).flat(),
      ],
      finalScenario: 'people move',
      moves: [],
    },
  },
  {
    name: 'two tabs wave at once',
    found: 'only one seed in hundreds caught a gateway that keeps the first of many signals instead of the last',
    luck: 8,
    plan: {
      seed: 161,
      shape: shapeOf({ gateways: 2, clients: 2 }, { ...HERE, tabs: 2, signalWindowMs: 500 }, tuning),
      ops: [comeIn(0, 500), comeIn(1, 700)],
      finalScenario: 'people move',
      moves: [1, 3, 1].flatMap((client, index) => [
        comeIn(3, 1_000),
        { atMs: 5_000 + index * 150, kind: 'signal', client, space: 0, name: 'wave' } as const,
      ]),
    },
  },
]
