/**
 * The database goes on with less than clients were told: restored from a backup, or failed over to a replica that
 * lagged. Postgres really does it, by recovery and by promotion; the api has to find out and begin a new history, so
 * that no version is ever taken for another's. What the switch undid is no longer counted as promised, and nobody
 * writes from the moment of the backup to the new history, so that it is known what that is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { eventually } from '@rhizom/kit/eventually.ts'
import { utterance } from '../../wire/api-caller.ts'
import type { Heads } from '../rig.ts'
import { type Fault, nothingToHeal, type Stage } from '../fault.ts'
import { copyFolder, makeFile } from '../stores.ts'
import { TcpProxy } from '../../kit/tcp-proxy.ts'
import { snapshotsOf } from './log-faults.ts'
import { join } from 'node:path'
import { rmSync } from 'node:fs'

/** Changes of each busy space that are committed, delivered, and then undone. */
const UNDONE = 5
const NEW_HISTORY_WITHIN_MS = 15_000
/** How long the api talks to a replica that was not promoted yet. */
const UNPROMOTED_MS = 2_000

/** Holds the writers and judges nothing yet: everything so far is read and held by everybody. */
async function comeToRest({ clients, problem }: Stage): Promise<void> {
  await clients.holdWriting()
  for (const what of Object.values(await clients.messages.readLogs()).flat()) problem(String(what))
  await clients.untilLevel(clients.logs, 10_000)
}

/** Writes what will be undone, and sees it delivered. */
async function writeInVain(stage: Stage): Promise<void> {
  const { clients } = stage
  for (const space of clients.spaces.busy)
    await clients.write(...Array.from({ length: UNDONE }, () => ({ ...utterance(space, 'will be undone'), space })))
  await comeToRest(stage)
}

/** Waits for the new history of every space, and begins to judge by it. */
async function goOnAnew(stage: Stage, backup: Heads): Promise<void> {
  const { clients, rig, note, problem } = stage
  const begunAt = performance.now()
  let heads = new Map<string, { epoch: string; version: number }>()
  await eventually(
    'every space has a new epoch',
    async () => {
      heads = await rig.heads(clients.allSpaces).catch(() => new Map<string, never>())
      return heads.size > 0 && [...heads].every(([space, { epoch }]) => epoch !== backup.get(space)?.epoch)
    },
    NEW_HISTORY_WITHIN_MS,
  )
  note(`new history after ${Math.round(performance.now() - begunAt)} ms`)
  for (const [space, { epoch, version }] of heads) {
    if (version !== backup.get(space)?.version) problem(`${space} went on at ${version}: it was not undone as planned`)
    clients.acknowledgements.undo(space, version)
    clients.logs.get(space)?.rebuild(epoch, version)
  }
  const before = snapshotsOf(clients.watchers)
  clients.goOnWriting()
  await clients.untilLevel(heads, 15_000)
  note(`${snapshotsOf(clients.watchers) - before} snapshots`)
}

const restored: Fault = {
  name: 'database restored from a backup',
  weight: 1,
  holdMs: 300,
  async strike(stage) {
    const { postgres: store } = stage.rig.stores
    const data = join(store.folder, 'data')
    const backup = join(store.folder, 'backup')
    await comeToRest(stage)
    const heads = await stage.rig.heads(stage.clients.allSpaces)
    await store.stop('SIGINT')
    copyFolder(data, backup)
    await store.startAgain()
    await writeInVain(stage)
    await store.stop('SIGINT')
    copyFolder(backup, data)
    rmSync(backup, { recursive: true })
    // An archive without anything in it: recovery ends at once, and Postgres begins a new timeline, as after any
    // restore.
    makeFile(data, 'postgresql.auto.conf', "restore_command = 'false'\n")
    makeFile(data, 'recovery.signal', '')
    await store.startAgain()
    await goOnAnew(stage, heads)
    return nothingToHeal
  },
}

const failedOver: Fault = {
  name: 'lagging Postgres replica promoted',
  weight: 1,
  holdMs: 300,
  async strike(stage) {
    const { rig, clients } = stage
    const link = await TcpProxy.listen('postgres replica→primary')
    await comeToRest(stage)
    const former = rig.stores.postgres
    const replica = await rig.stores.standBy(link)
    const sql = postgres(replica.url, { max: 1, onnotice: () => undefined })
    await eventually('the replica follows', async () => {
      const [row] = await sql<{ status: string }[]>`select status from pg_stat_wal_receiver`
      return row?.status === 'streaming'
    })
    clients.goOnWriting()
    await clients.untilWritten(30, 10_000)
    await comeToRest(stage)
    const heads = await rig.heads(clients.allSpaces)
    await eventually('the replica has it all', async () => {
      const [row] = await sql<{ lag: string }[]>`
        select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) as lag`
      const [sent] = await rig.sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn() as lsn`
      const [received] = await sql<{ behind: string }[]>`
        select pg_wal_lsn_diff(${sent?.lsn ?? '0/0'}::pg_lsn, pg_last_wal_receive_lsn()) as behind`
      return Number(row?.lag) === 0 && Number(received?.behind) <= 0
    })
    link.cut()
    await writeInVain(stage)
    await former.kill()
    rig.stores.postgres = replica
    rig.pointAtPostgres()
    await sleep(UNPROMOTED_MS)
    await sql`select pg_promote()`
    await sql.end({ timeout: 1 })
    await link.close()
    await goOnAnew(stage, heads)
    rmSync(join(former.folder, 'data'), { recursive: true })
    return nothingToHeal
  },
}

export const historyFaults: readonly Fault[] = [restored, failedOver]
