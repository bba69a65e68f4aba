/** Clients that come back to a log that does not reach back to them any more, pruned by the api itself. */
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Fault, Stage } from '../fault.ts'
import type { Watcher } from '../watcher.ts'

const KEPT = 8
const PRUNES = { LOG_KEEP_CHANGES: String(KEPT), PRUNE_INTERVAL_MS: '100' }

export const snapshotsOf = (watchers: readonly Watcher[]): number =>
  watchers.flatMap(({ witnesses }) => [...witnesses.values()]).reduce((sum, { snapshots }) => sum + snapshots, 0)

const restartAll = async (nodes: Stage['rig']['apis']): Promise<void> => {
  await Promise.all(nodes.map((node) => node.kill()))
  await Promise.all(nodes.map((node) => node.start()))
}

/** Has an api node prune the log, down to a few changes of each space. Nobody writes meanwhile: the log is judged. */
async function prune({ rig, clients, note }: Stage): Promise<void> {
  const count = async (): Promise<number> => {
    const [row] = await rig.sql<{ count: string }[]>`
      select count(*) from changes c join spaces s on s.id = c.space and s.epoch = c.epoch
      where c.space = any(${clients.allSpaces})`
    return Number(row?.count)
  }
  const before = await count()
  await Promise.all(rig.apis.map((node) => node.kill()))
  await rig.apis[0]?.start(PRUNES)
  await eventually('the log is pruned', async () => (await count()) <= KEPT * clients.allSpaces.length)
  note(`pruned from ${before} changes to ${await count()}`)
  await restartAll(rig.apis)
}

const pruned: Fault = {
  name: 'log pruned under sleeping clients',
  weight: 1,
  holdMs: 200,
  async strike(stage) {
    const { clients, rig } = stage
    const sleepers = clients.named('sleeper')
    for (const watcher of sleepers) watcher.sleep()
    await clients.untilWritten(80, 20_000)
    await clients.holdWriting()
    for (const what of Object.values(await clients.messages.readLogs()).flat()) stage.problem(String(what))
    await prune(stage)
    clients.goOnWriting()
    // What the gateways still hold of the log must not answer in its stead.
    await restartAll(rig.gateways)
    const before = snapshotsOf(sleepers)
    return async () => {
      for (const watcher of sleepers) watcher.wake()
      await clients.untilLevel(await rig.heads(clients.spaces.busy), 20_000, sleepers)
      const snapshots = snapshotsOf(sleepers) - before
      stage.note(`${snapshots} snapshots`)
      if (snapshots === 0) stage.problem('nobody was given a snapshot')
    }
  },
}

export const logFaults: readonly Fault[] = [pruned]
