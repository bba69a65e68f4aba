/**
 * Plans that once found something, kept whole and by name, because what a seed means changes with the making of plans.
 * They run before any seed, also against the mutants.
 */
import { CALM, type Op, type Plan, type Tuning } from './plan.ts'

export interface Kept {
  name: string
  /** What it found. */
  found: string
  plan: Plan
}

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

export const KEPT: readonly Kept[] = [
  {
    name: 'a gateway that is behind and cannot ask, and a client that knows more',
    found:
      'no seed caught a client that takes an older snapshot of the same epoch: it needs three refusals in a row from a ' +
      'gateway that hears nothing while the api is away',
    plan: {
      seed: 3,
      shape: { gateways: 2, clients: 2, spaces: 1, weather: CALM, tuning: { ...TUNING, patienceMs: 600 } },
      ops: [
        { atMs: 0, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
        { atMs: 100, kind: 'watch', client: 0, space: 0 },
        { atMs: 100, kind: 'watch', client: 1, space: 0 },
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
    plan: {
      seed: 250,
      shape: {
        gateways: 3,
        clients: 4,
        spaces: 1,
        weather: CALM,
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
      'asked for what was already on its way',
    plan: {
      seed: 4675,
      shape: {
        gateways: 1,
        clients: 4,
        spaces: 2,
        weather: { ...CALM, wrongDoor: 0.19925305307842792, garbles: 0.2585122941993177 },
        tuning: {
          ...TUNING,
          ringChanges: 8,
          ringBytes: 4_000,
          parkedRuns: 6,
          joinTimeoutMs: 300,
          lingerMs: 500,
          heldSnapshotBytes: 500,
          fanOutWindowMs: 40,
          tokenLifeMs: 30_000,
          maxUnsentBytes: 2_000,
          catchUpLimit: 5,
        },
      },
      ops: [
        { atMs: 2_098, kind: 'watch', client: 0, space: 0 },
        { atMs: 2_507, kind: 'watch', client: 0, space: 1 },
        { atMs: 2_747, kind: 'watch', client: 3, space: 0 },
        { ...write, atMs: 5_201, space: 1, what: ['leave', 'unsay', 'unsay'], salt: 906_159, publish: { afterMs: 4 } },
        { ...write, atMs: 5_208, space: 1, what: ['say'], salt: 949_859, publish: { afterMs: 3 } },
        { ...write, atMs: 5_279, what: ['append'], salt: 288_152, publish: { afterMs: 3 } },
        { atMs: 5_386, kind: 'show', space: 1, visibility: 'private', publish: { afterMs: 2 } },
        { ...write, atMs: 6_548, space: 1, what: ['leave', 'leave', 'say'], salt: 933_846, publish: { afterMs: 5 } },
        { atMs: 7_612, kind: 'stall', client: 0, way: 'down', forMs: 6_158 },
        { ...write, atMs: 7_758, space: 1, what: ['say'], salt: 395_393, publish: { afterMs: 0 } },
        { atMs: 7_888, kind: 'freeze', gateway: 0, forMs: 2_132 },
        { atMs: 7_930, kind: 'grant', space: 0, client: 2, publish: { afterMs: 97 } },
        { ...write, atMs: 8_021, space: 1, what: ['append'], salt: 812_273 },
        { ...write, atMs: 8_025, what: ['arrive'], salt: 147_551, publish: 'never' },
        { ...write, atMs: 8_202, what: ['say'], salt: 467_035, publish: { afterMs: 400 } },
        { ...write, atMs: 8_466, what: ['say'], salt: 18_751, publish: { afterMs: 3 } },
        { ...write, atMs: 8_945, what: ['edit'], salt: 759_390, publish: { afterMs: 5 } },
        { ...write, atMs: 9_253, what: ['promote'], salt: 809_246, publish: { afterMs: 216 } },
        { ...write, atMs: 9_326, what: ['promote'], salt: 665_342, publish: { afterMs: 0 } },
      ],
    },
  },
]
