/**
 * An api node that dies between commit and publish, with the last change of a quiet space: nothing comes after it that
 * would show a gap, so only the announcement of heads can reveal it. Once while another node announces, and once when
 * the one that dies announced itself, so that another has to take that over first.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { MutationResult } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { ClusterNode } from '../../cluster/cluster.ts'
import { call, mutate, utterance } from '../../wire/api-caller.ts'
import type { Fault, Stage } from '../fault.ts'

const DIES = { FAIL_POINT: 'after-commit' }
const ANNOUNCES_WITHIN_MS = 30_000
/** About 2 s: the interval of announcements, the look for a free lock, and the read of what is missing. */
/** How long it is waited for: what is late is told with how late it was. */
const DELIVERED_AT_LAST_MS = 6_000
const DELIVERED_WITHIN_MS = { announcerLives: 2_500, announcerDies: 4_000 }

async function untilAnnouncer(stage: Stage, is: (node: ClusterNode | undefined) => boolean): Promise<ClusterNode> {
  const deadline = performance.now() + ANNOUNCES_WITHIN_MS
  for (;;) {
    const announcer = await stage.rig.announcer()
    if (announcer !== undefined && is(announcer)) return announcer
    if (performance.now() > deadline) throw new Error(`nobody else announces heads after ${ANNOUNCES_WITHIN_MS} ms`)
    await sleep(50)
  }
}

/** Lets `doomed` commit one change of the quiet space and die with it; returns when everybody has it. */
async function dieAfterCommit(stage: Stage, doomed: ClusterNode, other: ClusterNode, withinMs: number): Promise<void> {
  const { clients, rig, note, problem } = stage
  const space = clients.spaces.quiet
  const id = uuidv7()
  const versionBefore = (await rig.heads([space])).get(space)?.version ?? 0
  const lost = await mutate(doomed.url, clients.owner.token, { ...utterance(space, 'the last word'), id }).then(
    ({ status }) => `answered ${status}`,
    () => undefined,
  )
  if (lost !== undefined) problem(`the node that should die ${lost}`)
  await doomed.ended()
  const diedAt = performance.now()
  const heads = await rig.heads([space])
  if (heads.get(space)?.version !== versionBefore + 1) problem('the change was not committed')
  await clients.untilLevel(heads, DELIVERED_AT_LAST_MS, clients.watchersOf(space))
  const tookMs = rig.took(diedAt)
  clients.acknowledgements.delayed(tookMs)
  note(`delivered ${Math.round(tookMs)} ms after the death`)
  if (tookMs > withinMs) problem(`delivered after ${Math.round(tookMs)} ms`)
  const outcome = await call<MutationResult>(other.url, 'GET', `/v1/mutations/${id}`, { token: clients.owner.token })
  if (outcome.body.status !== 'applied' || outcome.body.version === undefined)
    return problem(`the outcome is ${JSON.stringify(outcome.body)}`)
  clients.acknowledgements.add(space, outcome.body.version, id)
}

const anotherAnnounces: Fault = {
  name: 'api killed between commit and publish',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const announcer = await untilAnnouncer(stage, () => true)
    const doomed = stage.rig.apis.find((node) => node !== announcer)
    if (doomed === undefined) throw new Error('there is no second api node')
    await avoiding(stage, doomed, async () => {
      await doomed.stop()
      await doomed.start(DIES)
      await dieAfterCommit(stage, doomed, announcer, DELIVERED_WITHIN_MS.announcerLives)
    })
    return async () => {
      await doomed.start()
      stage.clients.avoided.delete(doomed.name)
    }
  },
}

const itselfAnnounces: Fault = {
  name: 'announcer of heads killed between commit and publish',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const former = await untilAnnouncer(stage, () => true)
    const doomed = stage.rig.apis.find((node) => node !== former)
    if (doomed === undefined) throw new Error('there is no second api node')
    await avoiding(stage, doomed, async () => {
      await doomed.stop()
      await doomed.start(DIES)
      await former.stop()
      await untilAnnouncer(stage, (node) => node === doomed)
      await former.start()
      await dieAfterCommit(stage, doomed, former, DELIVERED_WITHIN_MS.announcerDies)
    })
    const announcer = await untilAnnouncer(stage, (node) => node === former)
    stage.note(`${announcer.name} took over`)
    return async () => {
      await doomed.start()
      stage.clients.avoided.delete(doomed.name)
    }
  },
}

const TAKES_OVER_WITHIN_MS = 8_000

/**
 * Its machine is lost together with the way to it: Postgres is never told, so the session that holds the lock stands
 * until the server itself finds it silent.
 */
const cutOffWithoutAWord: Fault = {
  name: 'announcer of heads lost, Postgres not told',
  weight: 2,
  holdMs: 0,
  async strike(stage) {
    const lost = await untilAnnouncer(stage, () => true)
    const link = stage.rig.linksOf('api→postgres').find(({ node }) => node === lost.name)
    link?.proxy.blackhole()
    await lost.kill()
    link?.proxy.heal()
    const lostAt = performance.now()
    const next = await untilAnnouncer(stage, (node) => node !== lost)
    const tookMs = stage.rig.took(lostAt)
    stage.note(`${next.name} took over after ${Math.round(tookMs)} ms`)
    if (tookMs > TAKES_OVER_WITHIN_MS) stage.problem(`taken over only after ${Math.round(tookMs)} ms`)
    return () => lost.start()
  },
}

/** Keeps the writers away, so that the node dies with our change and not with one of theirs. */
async function avoiding({ clients }: Stage, node: ClusterNode, work: () => Promise<void>): Promise<void> {
  clients.avoided.add(node.name)
  await clients.holdWriting()
  clients.goOnWriting()
  await work()
}

export const commitFaults: readonly Fault[] = [anotherAnnounces, itselfAnnounces, cutOffWithoutAWord]
