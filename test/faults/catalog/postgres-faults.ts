/** Postgres killed, restarted, frozen, and one of its backends shot: nothing that was acknowledged may be missing. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { processTree, signalIfThere } from '../process-signals.ts'
import { type Fault, nothingToHeal } from '../fault.ts'

const killed: Fault = {
  name: 'Postgres killed (SIGKILL, all processes)',
  weight: 3,
  holdMs: 800,
  async strike({ rig }) {
    await rig.stores.postgres.kill()
    return () => rig.stores.postgres.startAgain()
  },
}

const restarted: Fault = {
  name: 'Postgres restarted (SIGINT, fast)',
  weight: 3,
  holdMs: 0,
  async strike({ rig }) {
    await rig.stores.postgres.stop('SIGINT')
    return () => rig.stores.postgres.startAgain()
  },
}

/** A smart shutdown lets those who are connected go on and refuses everybody else, until it is asked in earnest. */
const shutDown: Fault = {
  name: 'Postgres stopped (SIGTERM, smart)',
  weight: 1,
  holdMs: 800,
  async strike({ rig }) {
    process.kill(rig.stores.postgres.pid, 'SIGTERM')
    return async () => {
      await rig.stores.postgres.stop('SIGINT')
      await rig.stores.postgres.startAgain()
    }
  },
}

const frozen: Fault = {
  name: 'Postgres frozen (SIGSTOP, SIGCONT)',
  weight: 2,
  holdMs: 3_000,
  async strike({ rig }) {
    rig.stores.postgres.freeze()
    return async () => rig.stores.postgres.thaw()
  },
}

/** One backend that dies makes Postgres end all others and recover. */
const backendKilled: Fault = {
  name: 'a Postgres backend killed (crash recovery)',
  weight: 2,
  holdMs: 300,
  async strike({ rig, random, note }) {
    // One that has nothing to do may end by itself before it is killed.
    await eventually('a backend is killed', async () => {
      const backends = await rig.sql<{ pid: number }[]>`
        select pid from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and datname = current_database()`
      const known = new Set(backends.map(({ pid }) => pid))
      const children = processTree(rig.stores.postgres.pid).slice(1)
      const ours = children.filter((pid) => known.has(pid))
      if (known.size === 0 || !signalIfThere(random.pick(ours.length > 0 ? ours : [...known]), 'SIGKILL')) return false
      note(`${known.size} backends`)
      return true
    })
    return nothingToHeal
  },
}

export const postgresFaults: readonly Fault[] = [killed, restarted, shutDown, frozen, backendKilled]
