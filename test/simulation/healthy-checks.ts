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
import { cutAll } from './apply-op.ts'
import { add } from './coverage.ts'
import { RUN_FINAL_SCENARIO } from './presence-scenes.ts'
import { count, exact, expectReads, level, NOTICED_WITHIN_MS, run, type Scene, WITHIN_MS } from './scene.ts'
import type { World } from './world.ts'

const QUIET_MS = 8_000
/** Feeds linger, and sockets whose peers are gone are found out. */
const ALL_GONE_MS = 25_000
const STOPPED_WITHIN_MS = 100

const nothingHappens: Scene = async (world) => {
  await run(world, NOTICED_WITHIN_MS)
  await level(world, WITHIN_MS.healed, 'S7', 'after all trouble had ended')
  world.oracle.isCalm = true
  count(world)
  await run(world, QUIET_MS)
  if (world.oracle.attempts > 0)
    world.oracle.fail('S8', `${world.oracle.attempts} attempts to connect while nothing happened`)
  expectReads(world, 0, 'S8', 'while nothing happened')
  await exact(world, 'after all trouble had ended')
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
  await exact(world, 'after Redis had been away')
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
    while (!gateway.isListening && world.oracle.violation === undefined) await run(world, 500)
  }
  await level(world, WITHIN_MS.restarted, 'S11', 'after a rolling restart')
  await exact(world, 'after a rolling restart')
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

const everybodyComes: Scene = async (world) => {
  world.note('• spaces for everybody')
  // With heads again: a feed that lingers may still hold a space as it was.
  world.api.comeBack()
  createMissing(world)
  reloadAll(world)
  await run(world, 100)
  await level(world, WITHIN_MS.cut, 'S7', 'after everybody came once more')
  await exact(world, 'after everybody came once more')
}

const finalScenario: Scene = (world) => {
  add(world.coverage, `final scenario ${world.plan.finalScenario}`)
  return RUN_FINAL_SCENARIO[world.plan.finalScenario](world)
}

const everybodyLeaves: Scene = async (world) => {
  world.note('• everybody leaves')
  leave(world)
  await run(world, ALL_GONE_MS)
  for (const { name, left } of world.gateways)
    if (left !== undefined) world.oracle.fail('S18', `${name} still has ${left} when everybody has left`)
  expectNobody(world)
  for (const { hub } of world.gateways) void hub?.stop()
  await run(world, STOPPED_WITHIN_MS)
  expectNothing(world)
}

/** Redis holds nothing but what gateways need to live. */
function expectNobody({ gateways, redis: { data }, oracle }: World): void {
  for (const { name, hub } of gateways)
    if (hub !== undefined && hub.entryCount > 0)
      oracle.fail('S25', `${name} still has ${hub.entryCount} entries when everybody has left`)
  const kept = [...data.hashes.keys(), ...data.spaces.keys()]
  if (kept.length > 0) oracle.fail('S25', `Redis still holds ${kept.join(', ')} when everybody has left`)
  const alive = [...data.leases.keys()].filter((boot) => data.isAlive(boot))
  const isKnown = [...data.heartbeats.keys()].every((boot) => alive.includes(boot))
  if (alive.length !== gateways.length || !isKnown)
    oracle.fail(
      'S25',
      `Redis knows ${[...alive, ...data.heartbeats.keys()].join(' ')}, and ${gateways.length} gateways live`,
    )
}

/** No gateway kept a roster, and none left anything behind. */
function expectNothing({ gateways, redis: { data }, oracle }: World): void {
  for (const { name, hub } of gateways)
    if (hub?.remains !== undefined) oracle.fail('S25', `${name} kept ${hub.remains} when everybody had left`)
  const kept = [...data.leases.keys()].filter((boot) => data.isAlive(boot) || data.heartbeats.has(boot))
  if (kept.length > 0) oracle.fail('S25', `Redis still knows ${kept.join(' ')} when all gateways have stopped`)
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
  everybodyComes,
  finalScenario,
  everybodyLeaves,
]

export async function healthyChecks(world: World): Promise<void> {
  for (const scene of SCENES) if (world.oracle.violation === undefined) await scene(world)
}
