/**
 * Plans that once found something, kept whole and by name, because what a seed means changes with the making of plans.
 * They run beside the seeds, also against the mutants, and each with the luck of several seeds: who comes to which
 * gateway and how soon is not in a plan.
 */
import type { Regression } from './regression.ts'
import { presenceRegressions } from './presence-regressions.ts'
import { SOAK_REGRESSIONS } from './soak-regressions.ts'
import { CALM, NO_PRESENCE, type Op, type Tuning } from './plan.ts'

const TUNING: Tuning = {
  ringChanges: 500,
  ringBytes: 1_000_000,
  parkedRuns: 64,
  reorderGraceMs: 100,
  joinTimeoutMs: 2_000,
  patienceMs: 8_000,
  lingerMs: 10_000,
  heldSnapshotBytes: 1_000_000,
  fanOutWindowMs: 8,
  maxBatchBytes: 64_000,
  heartbeatMs: 4_000,
  tokenLifeMs: 600_000,
  maxUnsentBytes: 20_000,
  socketBufferBytes: 60_000,
  catchUpLimit: 500,
}

const write = { kind: 'write', space: 0, what: ['say'], salt: 1, api: 0, publish: { afterMs: 1 } } as const satisfies Op

export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'a gateway that is behind and cannot ask, and a client that knows more',
    found:
      'no seed caught a client that takes an older snapshot of the same epoch: it needs three refusals in a row from a ' +
      'gateway that hears nothing while the api is away',
    luck: 24,
    plan: {
      seed: 3,
      shape: {
        gateways: 2,
        clients: 2,
        spaces: 1,
        weather: CALM,
        tuning: { ...TUNING, patienceMs: 600 },
        presence: NO_PRESENCE,
      },
      finalScenario: 'people move',
      moves: [],
      ops: [
        { atMs: 0, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
        { atMs: 3_700, kind: 'watch', client: 0, space: 0 },
        { atMs: 3_700, kind: 'watch', client: 1, space: 0 },
        { atMs: 4_000, kind: 'headsAway', forMs: 14_000 },
        { atMs: 4_000, kind: 'busForgets', gateway: 1, space: 0 },
        { atMs: 4_310, ...write },
        { atMs: 4_400, kind: 'apiAway', how: 'refuses', forMs: 14_000 },
        { atMs: 4_450, kind: 'cut', client: 0, clientSees: true, gatewaySees: true },
      ],
    },
  },
  {
    name: 'a read brings more than the ring keeps, to a client that has half of it',
    found: 'only one seed in hundreds caught a wrong splice of what was read with what the ring still had',
    luck: 24,
    plan: {
      seed: 250,
      shape: {
        gateways: 3,
        clients: 4,
        spaces: 1,
        weather: CALM,
        presence: NO_PRESENCE,
        tuning: {
          ...TUNING,
          ringChanges: 3,
          reorderGraceMs: 20,
          patienceMs: 600,
          fanOutWindowMs: 40,
          heartbeatMs: 1_000,
          tokenLifeMs: 6_000,
        },
      },
      finalScenario: 'people move',
      moves: [],
      ops: [
        { atMs: 1_931, kind: 'cut', client: 2, clientSees: true, gatewaySees: true },
        { atMs: 2_198, kind: 'watch', client: 2, space: 0 },
        { atMs: 2_420, kind: 'watch', client: 0, space: 0 },
        { atMs: 5_046, kind: 'cut', client: 2, clientSees: true, gatewaySees: false },
        { atMs: 7_487, kind: 'cut', client: 2, clientSees: true, gatewaySees: true },
        { atMs: 7_729, kind: 'cut', client: 1, clientSees: true, gatewaySees: true },
        { atMs: 12_367, kind: 'reload', client: 1 },
        { atMs: 12_595, kind: 'cut', client: 0, clientSees: false, gatewaySees: true },
        { atMs: 17_419, kind: 'cut', client: 0, clientSees: false, gatewaySees: true },
        { ...write, atMs: 18_618, what: ['arrive', 'promote', 'unsay', 'append'], salt: 988_912, publish: 'never' },
        { atMs: 18_682, kind: 'cut', client: 1, clientSees: false, gatewaySees: false },
        { ...write, atMs: 19_191, what: ['say'], salt: 103_372, publish: 'never' },
        { atMs: 19_321, kind: 'cut', client: 2, clientSees: false, gatewaySees: true },
      ],
    },
  },
  {
    name: 'a heartbeat while an answer waits for a slow reader',
    found:
      'a gateway named a head to a client whose new snapshot still waited for its socket to drain, so that the client ' +
      'would ask for what was on its way already',
    luck: 24,
    plan: {
      seed: 140,
      shape: {
        gateways: 2,
        clients: 3,
        spaces: 1,
        weather: CALM,
        presence: NO_PRESENCE,
        tuning: {
          ...TUNING,
          ringChanges: 3,
          ringBytes: 4_000,
          parkedRuns: 2,
          joinTimeoutMs: 300,
          lingerMs: 500,
          fanOutWindowMs: 40,
          maxUnsentBytes: 600,
          catchUpLimit: 5,
        },
      },
      finalScenario: 'people move',
      moves: [],
      ops: [
        { atMs: 397, kind: 'watch', client: 2, space: 0 },
        { atMs: 499, kind: 'stall', client: 2, way: 'down', forMs: 3_432 },
        { ...write, atMs: 855, what: ['unsay'], salt: 433_396, publish: { afterMs: 5 } },
        { ...write, atMs: 897, what: ['unsay'], salt: 296_096, publish: { afterMs: 48 } },
        { ...write, atMs: 1_530, what: ['promote'], salt: 926_278, publish: 'never' },
        { atMs: 1_645, kind: 'restore', space: 0, lost: 3 },
        { atMs: 2_559, kind: 'watch', client: 1, space: 0 },
        {
          ...write,
          atMs: 3_139,
          what: ['append', 'unsay', 'arrive', 'append'],
          salt: 288_650,
          publish: { afterMs: 3 },
        },
      ],
    },
  },
  {
    name: 'a space is restored before a client hears that it was removed',
    found:
      'a client that asked for more before it read of the end took no notice of the answer after it: it showed a closed ' +
      'space, was sent all of it and was listed as being there, also when it had gone out',
    luck: 8,
    plan: {
      seed: 817_302_493,
      shape: {
        gateways: 1,
        clients: 2,
        spaces: 1,
        weather: CALM,
        presence: { ...NO_PRESENCE, graceMs: 3_000 },
        tuning: TUNING,
      },
      finalScenario: 'Redis stands still',
      moves: [],
      ops: [
        { atMs: 500, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
        { atMs: 700, ...write },
        { atMs: 1_000, kind: 'watch', client: 0, space: 0 },
        { atMs: 2_000, kind: 'stall', client: 0, way: 'down', forMs: 1_500 },
        { atMs: 2_100, kind: 'removeSpace', space: 0, publish: { afterMs: 1 } },
        { atMs: 2_300, kind: 'restore', space: 0, lost: 1 },
        { atMs: 2_400, kind: 'comeIn', client: 0, space: 0 },
        { atMs: 6_000, kind: 'goOut', client: 0, space: 0 },
      ],
    },
  },
  ...presenceRegressions(TUNING),
  ...SOAK_REGRESSIONS,
]
