/**
 * What a healthy world has to do well, shown at the end of every run, when all trouble is over: nothing happens while
 * nothing happens, changes arrive at once, and each thing that is said to cost little costs that.
 */
import {
  createMissing,
  cutFirstOfMany,
  hide,
  leave,
  open,
  publishForeignEpoch,
  publishUnreadable,
  reloadAll,
  remove,
  write,
} from './acts.ts'
import { cutAll } from './befall.ts'
import type { World } from './world.ts'

/** How soon everybody is level: after trouble, after a commit that no message announced, and so on. */
export const WITHIN_MS = {
  healed: 60_000,
  published: 400,
  unannounced: 3_000,
  gap: 800,
  withoutRedis: 4_000,
  cut: 10_000,
  restarted: 30_000,
  /** A person who sees a closed space tries again every three seconds. */
  regranted: 4_000,
  /** The slow poll, which asks about every ten seconds. */
  polled: 14_000,
} as const

/** Long enough for everybody to notice a connection that has been dead since before. */
const ALL_NOTICED_MS = 15_000
const QUIET_MS = 8_000
/** Feeds linger, and sockets whose peers are gone are found out. */
const ALL_GONE_MS = 25_000

type Scene = (world: World) => Promise<void>

const nothingHappens: Scene = async (world) => {
  await run(world, ALL_NOTICED_MS)
  await level(world, WITHIN_MS.healed, 'S7', 'after all trouble had ended')
  world.oracle.isCalm = true
  count(world)
  await run(world, QUIET_MS)
  if (world.oracle.attempts > 0)
    world.oracle.fail('S8', `${world.oracle.attempts} attempts to connect while nothing happened`)
  expectReads(world, 0, 'S8', 'while nothing happened')
}

/** Also what a channel that Redis forgot in silence costs, which shows only now. */
const theFirstChange: Scene = async (world) => {
  world.note('• the first commit after all trouble')
  write(world, { afterMs: 1 })
  await level(world, WITHIN_MS.unannounced, 'S10', 'after the first commit after all trouble')
  // Spaces that nobody watches any more linger and are followed all the same.
  await run(world, WITHIN_MS.unannounced)
}

const aChangeAsUsual: Scene = async (world) => {
  world.note('• a commit as usual')
  count(world)
  write(world, { afterMs: 1 })
  await level(world, WITHIN_MS.published, 'S9', 'after a commit as usual')
  expectReads(world, 0, 'S9', 'for a change that was published')
}

/** The second of two commits is announced before the first, as by two api nodes. */
const twoChangesSwapped: Scene = async (world) => {
  world.note('• two commits, announced the other way round')
  count(world)
  write(world, { afterMs: 6 })
  write(world, { afterMs: 1 })
  await level(world, WITHIN_MS.published, 'S9', 'after two commits announced the other way round')
  await run(world, 1_000)
  expectReads(world, 0, 'S9', 'for messages that changed places')
}

const aCommitThatNobodyAnnounces: Scene = async (world) => {
  world.note('• a commit that nobody announces')
  write(world, 'never')
  await level(world, WITHIN_MS.unannounced, 'S10', 'after a commit that was not published')
}

/** A message lost for good and the next one received, with no heads to reveal it. */
const aGapWithoutHeads: Scene = async (world) => {
  world.note('• a gap, and nobody to announce heads')
  world.api.loseHeads(5_000)
  write(world, 'never')
  write(world, { afterMs: 1 })
  await level(world, WITHIN_MS.gap, 'S10', 'after a gap that only the next message shows')
  await run(world, 6_000)
}

/** The only message of a commit is one that this release does not understand. */
const aMessageNotUnderstood: Scene = async (world) => {
  world.note('• a message that is not understood, and nobody to announce heads')
  world.api.loseHeads(5_000)
  write(world, 'never')
  publishUnreadable(world)
  await level(world, WITHIN_MS.gap, 'S10', 'after a message that was not understood')
  await run(world, 6_000)
}

const aCommitWithoutRedis: Scene = async (world) => {
  world.redis.goAway()
  await run(world, 1_500)
  write(world, { afterMs: 1 })
  await level(world, WITHIN_MS.withoutRedis, 'S10', 'after a commit without Redis')
  world.redis.comeBack()
  await run(world, 3_000)
}

/** Everybody comes back at once: nobody needs a snapshot, and a gateway reads each space once for all of them. */
const aStormOfResumes: Scene = async (world) => {
  world.note('• every connection is cut')
  count(world)
  cutAll(world)
  await run(world, 100)
  await level(world, WITHIN_MS.cut, 'S11', 'after every connection was cut')
  expectReads(world, 1, 'S11', 'for one storm of resumes')
  if (world.oracle.snapshots > 0)
    world.oracle.fail('S11', `${world.oracle.snapshots} snapshots for clients that had everything`)
}

/** One of several comes back and has missed a change, which its gateway still has. */
const oneComesBack: Scene = async (world) => {
  if (!cutFirstOfMany(world)) return
  world.note('• one of several comes back')
  count(world)
  write(world, { afterMs: 1 })
  await run(world, 100)
  await level(world, WITHIN_MS.cut, 'S11', 'after one came back')
  expectReads(world, 0, 'S11', 'for one who missed what its gateway still has')
}

const aRollingRestart: Scene = async (world) => {
  for (const gateway of world.gateways) {
    gateway.drain(200)
    write(world, { afterMs: 1 })
    await run(world, 4_000)
  }
  await level(world, WITHIN_MS.restarted, 'S11', 'after a rolling restart')
}

/** Everybody begins anew, without a position and where all may read: one read brings a snapshot for all of them. */
const everybodyReloads: Scene = async (world) => {
  world.note('• everybody reloads')
  count(world)
  reloadAll(world)
  await run(world, 100)
  await level(world, WITHIN_MS.cut, 'S11', 'after everybody reloaded')
  if (world.keepsSnapshots) expectReads(world, 1, 'S11', 'for newcomers who came together')
}

/** A message of an epoch that nobody knows could be news, so it costs a read; the next one like it does not. */
const messagesOfAFormerEpoch: Scene = async (world) => {
  world.note('• messages of a former epoch')
  count(world)
  for (let times = 0; times < 3; times++) {
    publishForeignEpoch(world)
    await run(world, 1_000)
  }
  await level(world, 0, 'S7', 'after messages of a former epoch')
  expectReads(world, 1, 'S8', 'for messages of a former epoch')
}

const accessComesAndGoes: Scene = async (world) => {
  world.note('• access is taken')
  hide(world)
  await level(world, WITHIN_MS.published, 'S4', 'after access was taken')
  world.note('• access is given')
  open(world)
  await level(world, WITHIN_MS.regranted, 'S7', 'after access was given')
}

/** Nobody announces that a space is gone, for longer than heads remember what changed. */
const aRemovalThatNobodyAnnounces: Scene = async (world) => {
  world.note('• a removal that nobody announces')
  world.api.loseHeads(WITHIN_MS.polled)
  remove(world)
  await level(world, WITHIN_MS.polled, 'S10', 'after a removal that only the poll shows')
}

const everybodyLeaves: Scene = async (world) => {
  world.note('• spaces for everybody')
  // With heads again: a feed that lingers may still hold a space as it was.
  world.api.comeBack()
  createMissing(world)
  reloadAll(world)
  await run(world, 100)
  await level(world, WITHIN_MS.cut, 'S7', 'after everybody came once more')
  world.note('• everybody leaves')
  leave(world)
  await run(world, ALL_GONE_MS)
  for (const { name, left } of world.gateways)
    if (left !== undefined) world.oracle.fail('S18', `${name} still has ${left} when everybody has left`)
}

const SCENES: readonly Scene[] = [
  nothingHappens,
  theFirstChange,
  aChangeAsUsual,
  twoChangesSwapped,
  aCommitThatNobodyAnnounces,
  aGapWithoutHeads,
  aMessageNotUnderstood,
  aCommitWithoutRedis,
  aChangeAsUsual,
  aStormOfResumes,
  oneComesBack,
  aRollingRestart,
  aChangeAsUsual,
  messagesOfAFormerEpoch,
  accessComesAndGoes,
  everybodyReloads,
  aRemovalThatNobodyAnnounces,
  everybodyLeaves,
]

export async function epilogue(world: World): Promise<void> {
  for (const scene of SCENES) if (world.oracle.violation === undefined) await scene(world)
}

/** Lets time pass, step by step, as long as nothing is wrong. */
export async function run(world: World, forMs: number): Promise<void> {
  const until = world.time.now() + forMs
  while (world.oracle.violation === undefined && (await step(world, until)));
}

function step(world: World, until: number): Promise<boolean> {
  if (world.time.standsStill) world.oracle.fail('S6', 'so much happens at this moment that it never ends')
  return world.time.step(until)
}

const RETRY_EVERY_MS = 3_000

/** Lets time pass until everybody is level, which has to be within so long. */
export async function level(world: World, withinMs: number, rule: string, when: string): Promise<void> {
  const until = world.time.now() + withinMs
  let retryAt = world.time.now() + RETRY_EVERY_MS
  while (world.oracle.violation === undefined && !world.isLevel) {
    if (world.time.now() >= until) {
      world.oracle.fail(rule, `${withinMs} ms ${when}, ${world.behind()}`)
      return
    }
    if (world.time.now() >= retryAt) {
      retryAt += RETRY_EVERY_MS
      world.retryClosed()
    }
    await step(world, Math.min(until, retryAt))
  }
}

function count(world: World): void {
  for (const gateway of world.gateways) gateway.reads.clear()
  world.oracle.attempts = 0
  world.oracle.snapshots = 0
}

function expectReads(world: World, most: number, rule: string, when: string): void {
  for (const { name, reads } of world.gateways)
    for (const [space, times] of reads)
      if (times > most && world.api.space(space).exists)
        world.oracle.fail(rule, `${name} read ${space} ${times} times ${when}`)
}
