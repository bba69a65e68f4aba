/** What Postgres has had of the processor, where it runs on this machine. */
import { readdirSync, readFileSync } from 'node:fs'
import postgres from 'postgres'

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const MS_A_TICK = 10

/** Fields of a process behind its name, which may hold spaces: state, parent, …; undefined once it has ended. */
function statOf(pid: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

/** Milliseconds until now of the server that TEST_DATABASE_URL names, its connections and those that were. */
export async function serverProcessorTime(): Promise<() => number> {
  const url = process.env['TEST_DATABASE_URL']
  if (url === undefined) throw new Error('TEST_DATABASE_URL is not set')
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`
  await sql.end()
  const server = postmasterOf(`${row?.folder}`)
  if (server === undefined) return () => Number.NaN
  return () => {
    let ticks = 0
    for (const pid of readdirSync('/proc')) {
      const fields = /^\d+$/.test(pid) ? statOf(pid) : undefined
      if (fields === undefined || (pid !== server && fields[1] !== server)) continue
      // User and system time; of the server itself also that of its children which have ended.
      for (const spent of fields.slice(11, pid === server ? 15 : 13)) ticks += Number(spent)
    }
    return ticks * MS_A_TICK
  }
}

function postmasterOf(folder: string): string | undefined {
  try {
    return readFileSync(`${folder}/postmaster.pid`, 'utf8').split('\n')[0]
  } catch {
    return undefined
  }
}
