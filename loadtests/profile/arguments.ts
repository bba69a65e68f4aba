/** What `npm run profile -- …` understands. Pure: wrong arguments are a problem in words. */
import { parseArgs } from 'node:util'

export const PROFILE_USAGE = `npm run profile -- PART [options]

  PART            a process of \`npm start\`, by its name or the beginning of it: gateway, gateway-2, api, guide, web
  --seconds N     how long to look (10)
  --load NAME     load the system meanwhile: the name of a load test's scenario (npm run loadtest -- --list)
  --pid N         look at this Node process instead of a part
  --out FILE      where the flame graph goes (.local/profile/PART.svg); the profile itself lies beside it, for
                  developer tools, as .cpuprofile

It looks at the system that \`npm start\` runs (.local/run.json). Where none runs it starts one of its own and loads it
with write-to-screen, unless --load names another scenario. The process goes on as it was: its inspector is opened for
the time of the profile only, on this machine's own address.`

export interface ProfileRequest {
  part: string
  pid: number | undefined
  seconds: number
  load: string | undefined
  out: string | undefined
}

export type ParsedProfileRequest = { ok: true; value: ProfileRequest } | { ok: false; problem: string }

const WHOLE = /^[1-9]\d{0,9}$/
const LONGEST_SECONDS = 600

export function parseProfileArguments(argv: readonly string[]): ParsedProfileRequest {
  const text = { type: 'string' } as const
  let parsed
  try {
    const options = { seconds: text, load: text, pid: text, out: text }
    parsed = parseArgs({ args: [...argv], allowPositionals: true, options })
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals } = parsed
  const { seconds = '10', pid, load, out } = values
  if (!WHOLE.test(seconds) || Number(seconds) > LONGEST_SECONDS)
    return { ok: false, problem: `--seconds is to be a whole number from 1 to ${LONGEST_SECONDS}` }
  if (pid !== undefined && !WHOLE.test(pid)) return { ok: false, problem: '--pid is to be the id of a process' }
  if (pid !== undefined && positionals.length > 0) return { ok: false, problem: 'name a part or a --pid, not both' }
  const [part = pid === undefined ? undefined : `pid-${pid}`, ...more] = positionals
  if (part === undefined) return { ok: false, problem: 'which part is to be looked at?' }
  if (more.length > 0) return { ok: false, problem: 'one part at a time' }
  return {
    ok: true,
    value: { part, pid: pid === undefined ? undefined : Number(pid), seconds: Number(seconds), load, out },
  }
}

/** The process of a part: by its name, else the first whose name begins so. */
export function processOf(
  part: string,
  processes: Readonly<Record<string, number>>,
): { name: string; pid: number } | undefined {
  const names = Object.keys(processes).sort()
  const name = names.find((key) => key === part) ?? names.find((key) => key.startsWith(part))
  const pid = name === undefined ? undefined : processes[name]
  return name === undefined || pid === undefined ? undefined : { name, pid }
}
