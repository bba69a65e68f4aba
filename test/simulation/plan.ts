/**
 * A plan: what the world looks like and what happens to it, as plain data. Everything an operation needs is written in
 * it, so a plan can be printed, shortened and run again. make-plan.ts makes one from a seed.
 */

/** How often chance spoils things by itself, as probabilities. */
export interface Weather {
  busDrops: number
  busRepeats: number
  busReorders: number
  /** A message was written by another release: in another order, with unknown fields, or not to be understood. */
  busForeign: number
  readFails: number
  readIsSlow: number
  /** A connection attempt ends at a gateway that is not there. */
  wrongDoor: number
  /** A client does not understand an answer or a run of changes, as if a newer release had written it. */
  garbles: number
  /** A run of changes reaches a client together with some that it has: the protocol lets a sender do so. */
  overlaps: number
}

export interface Shape {
  gateways: number
  clients: number
  spaces: number
  weather: Weather
  tuning: Tuning
  presence: PresenceTuning
  /** Browsers whose pages write, in plans of their own (page-plan.ts). */
  pages?: PagesShape
  /** Copies of a bot that is asked, in plans of their own (bot-plan.ts). */
  bots?: BotsShape
}

/** A careful copy waits for each answer; a hasty one says on, and sends what got none anew. */
export type BotManner = 'careful' | 'hasty'

export interface BotsShape {
  /** Of each copy. */
  manners: readonly BotManner[]
  leaseMs: number
  maxAttempts: number
  wordEveryMs: number
  /** Of each answer. */
  words: number
}

export type BotOp =
  | { kind: 'botAsked' }
  /** Which reply it concerns is decided by `pick` and by what is there. */
  | { kind: 'replyCancelled'; pick: number }
  | { kind: 'replyRetried'; pick: number }
  | { kind: 'botKilled'; copy: number; forMs: number }
  | { kind: 'botFreezes'; copy: number; forMs: number }
  | { kind: 'botCutOff'; copy: number; forMs: number }
  /** It is told to stop, and started again. */
  | { kind: 'botStops'; copy: number; forMs: number }
  | { kind: 'leaderAway'; forMs: number }

export interface PagesShape {
  /** Of each browser, whether it has locks. */
  hasLocks: readonly boolean[]
  /** Pages that are open in each. */
  tabs: number
}

export type WritingKind = 'say' | 'append' | 'cancel'
/** What becomes of what a browser keeps. */
export type StorageTrouble = 'refuses' | 'fails' | 'hangs' | 'full' | 'cleared'
/** What a proxy breaks: upgrades, streams, or a socket that opens and stays mute. */
export type Way = 'websocket' | 'sse' | 'mute'

export type PageOp =
  | { kind: 'pageWrites'; page: number; space: number; what: WritingKind; keepsRefused: boolean }
  | { kind: 'pageReloads'; page: number }
  | { kind: 'pageCut'; page: number }
  | { kind: 'pageKilled'; page: number; forMs: number }
  | { kind: 'pageFreezes'; page: number; forMs: number }
  /** It is left, kept by the browser as it is, and come back to. */
  | { kind: 'pageLeft'; page: number; forMs: number }
  | { kind: 'browserCrashes'; browser: number; losesLast: boolean; forMs: number }
  | { kind: 'storageSuffers'; browser: number; trouble: StorageTrouble; forMs: number }
  | { kind: 'wayBlocked'; browser: number; ways: readonly Way[]; forMs: number }
  | { kind: 'gatewaysDie'; forMs: number }

/** What has to do with who is here; of chances of its own, so that the rest of a seed is as it was before. */
export interface PresenceTuning {
  /** Further clients: each shares its being with one of the others. */
  tabs: number
  graceMs: number
  windowMs: number
  listLimit: number
  leaseMs: number
  signalWindowMs: number
  /** How often the connection to Redis breaks at a command. */
  storeBreaks: number
}

/** Settings of the parts that are varied, because small bounds are reached sooner. */
export interface Tuning {
  ringChanges: number
  ringBytes: number
  parkedRuns: number
  reorderGraceMs: number
  joinTimeoutMs: number
  patienceMs: number
  lingerMs: number
  heldSnapshotBytes: number
  fanOutWindowMs: number
  maxBatchBytes: number
  heartbeatMs: number
  tokenLifeMs: number
  maxUnsentBytes: number
  socketBufferBytes: number
  /** The api answers with a snapshot where more changes than this are missing. */
  catchUpLimit: number
}

/** The way of a gateway to what Redis holds is cut, or answers are lost on it, or commands. */
export type StoreTrouble = 'cut' | 'deaf' | 'mute'

/** What a write does; which entity it concerns is decided by `salt` and by what is there. */
export type WriteKind = 'say' | 'append' | 'edit' | 'unsay' | 'arrive' | 'leave' | 'rename' | 'promote'

export type Op =
  | { kind: 'write'; space: number; what: readonly WriteKind[]; salt: number; api: number; publish: PublishMode }
  | { kind: 'grant'; space: number; client: number; publish: PublishMode }
  | { kind: 'revoke'; space: number; client: number; publish: PublishMode }
  | { kind: 'show'; space: number; visibility: 'public' | 'private'; publish: PublishMode }
  | { kind: 'removeSpace'; space: number; publish: PublishMode }
  | { kind: 'createSpace'; space: number; publish: PublishMode }
  | { kind: 'prune'; space: number; keep: number }
  | { kind: 'restore'; space: number; lost: number }
  | { kind: 'loseTail'; space: number; lost: number }
  | { kind: 'replay'; space: number; pick: number }
  | { kind: 'watch'; client: number; space: number }
  | { kind: 'unwatch'; client: number; space: number }
  | { kind: 'retry'; client: number }
  | { kind: 'reload'; client: number }
  | { kind: 'sleep'; client: number; forMs: number }
  | { kind: 'network'; client: number; event: 'networkFound' | 'networkLost' | 'pageShown' }
  | { kind: 'stepClientDate'; client: number; byMs: number }
  | { kind: 'cut'; client: number; clientSees: boolean; gatewaySees: boolean }
  | { kind: 'cutAll' }
  | { kind: 'stall'; client: number; way: 'down' | 'up' | 'both'; forMs: number }
  | { kind: 'crash'; gateway: number; clientsSee: boolean; forMs: number }
  | { kind: 'drain'; gateway: number; forMs: number }
  | { kind: 'freeze'; gateway: number; forMs: number }
  | { kind: 'apiAway'; how: 'refuses' | 'hangs' | 'unavailable'; forMs: number }
  | { kind: 'headsAway'; forMs: number }
  | { kind: 'redisAway'; forMs: number }
  | { kind: 'busCut'; gateway: number; unnoticedMs: number }
  | { kind: 'busForgets'; gateway: number; space: number }
  | { kind: 'comeIn'; client: number; space: number }
  | { kind: 'goOut'; client: number; space: number }
  | { kind: 'state'; client: number; space: number; value: number }
  | { kind: 'signal'; client: number; space: number; name: string }
  | { kind: 'storeSuffers'; gateway: number; trouble: StoreTrouble; forMs: number }
  /** Somebody, or a time server, sets the date of a gateway's machine. */
  | { kind: 'stepGatewayDate'; gateway: number; byMs: number }
  | { kind: 'redisEmptied' }
  | { kind: 'redisRestarts'; forMs: number }
  | { kind: 'redisStandsStill'; forMs: number }
  | { kind: 'replicaPromoted'; lagMs: number; forMs: number }
  | PageOp
  | BotOp

/** How a commit is announced: after so long, or never, because the api died in between. */
export type PublishMode = { afterMs: number } | 'never'

export type Planned = Op & { atMs: number }

export interface Plan {
  seed: number
  shape: Shape
  ops: readonly Planned[]
  /** Which of the scenes that are too long for every run is played at its end: `presence-scenes.ts`. */
  finalScenario: FinalScenario
  /** What people and gateways do in the final scenario in which they move. */
  moves: readonly Planned[]
}

export const FINAL_SCENARIOS = [
  'people move',
  'hints go astray',
  'Redis loses everything',
  'Redis comes back empty',
  'Redis stands still',
  'a replica takes over',
  'a gateway is cut off',
] as const
export type FinalScenario = (typeof FINAL_SCENARIOS)[number]

/** How long the operations last. Then it heals, and has to come level. */
export const TROUBLE_MS = 20_000
/** How long people move about in the healthy world. */
export const MOVES_MS = 10_000
/** How long they do things while hints go astray. */
export const PRESENCE_OPS_MS = 4_000

export const CALM: Weather = {
  busDrops: 0,
  busRepeats: 0,
  busReorders: 0,
  busForeign: 0,
  readFails: 0,
  readIsSlow: 0,
  wrongDoor: 0,
  garbles: 0,
  overlaps: 0,
}

/** Presence as it is where nobody comes in. */
export const NO_PRESENCE: PresenceTuning = {
  tabs: 0,
  graceMs: 3_000,
  windowMs: 100,
  listLimit: 200,
  leaseMs: 15_000,
  signalWindowMs: 100,
  storeBreaks: 0,
}
