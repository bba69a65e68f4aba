/** What `npm run versus -- …` understands, as what is to be measured. Pure: wrong arguments are a problem in words. */
import { parseArgs } from 'node:util'
import type { FanOutPlan, JitterPlan } from './profiles.ts'

export const PROFILES = ['fan-out', 'idle', 'jitter'] as const
export type ProfileName = (typeof PROFILES)[number]

export const VERSUS_USAGE = `npm run versus -- [options]

  --quick          everything in about two minutes, with small numbers, of which none means much
  --only NAMES     of these systems alone, with commas between: the beginning of a name is enough
  --profile NAMES  of these alone: fan-out, idle, jitter
  --rounds N       how often each is measured, in turns (3)
  --watchers N     who watch in fan-out (1000)
  --rates LIST     changes a second in fan-out (50,200,500)
  --seconds S      of each measurement in fan-out (15)
  --idle N         connections that do nothing (10000)
  --clients N      who are cut off in jitter (1000)
  --note TEXT      something the raw figures are to say of the machine
  --publish        also writes docs/versus.svg, docs/versus.md and docs/versus.json

It gets the systems that can be had here, starts each in its turn with the server alone on one core, and everything else
on another, and gives it the same load from the same clients. What cannot be had is named with the reason. The table, the
picture and the raw figures go to .local/versus.`

export interface VersusPlan {
  only: string[]
  profiles: ProfileName[]
  rounds: number
  fanOut: FanOutPlan[]
  idleConnections: number
  jitter: JitterPlan
  note: string | undefined
  publish: boolean
  quick: boolean
}

export type ParsedVersus = { ok: true; value: VersusPlan } | { ok: false; problem: string }

const USUAL = { rounds: 3, watchers: 1_000, seconds: 15, idle: 10_000, clients: 1_000 }
const QUICK = { rounds: 1, watchers: 50, seconds: 3, idle: 200, clients: 50 }
const NUMBERS = ['rounds', 'watchers', 'seconds', 'idle', 'clients'] as const

const isProfile = (name: string): name is ProfileName => PROFILES.some((profile) => profile === name)
const listOf = (text: string | undefined): string[] =>
  (text ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))

export function parseVersus(argv: readonly string[]): ParsedVersus {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  let values
  try {
    const options = {
      ...{ quick: flag, publish: flag, only: text, profile: text, rates: text, note: text },
      ...{ rounds: text, watchers: text, seconds: text, idle: text, clients: text },
    }
    values = parseArgs({ args: [...argv], options }).values
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
  const { quick = false, publish = false, only, profile, note } = values
  const sizes = { ...(quick ? QUICK : USUAL) }
  for (const name of NUMBERS) {
    const value = values[name]
    if (value === undefined) continue
    if (!/^[1-9]\d{0,5}$/.test(value)) return { ok: false, problem: `--${name} is to be a whole number above zero` }
    sizes[name] = Number(value)
  }
  const rates = listOf(values.rates ?? (quick ? '50' : '50,200,500')).map(Number)
  if (rates.some((rate) => !(Number.isInteger(rate) && rate > 0 && rate <= 10_000)))
    return { ok: false, problem: '--rates are to be whole numbers of changes a second' }
  const named = listOf(profile)
  const unknown = named.find((name) => !isProfile(name))
  if (unknown !== undefined) return { ok: false, problem: `there is no profile ${unknown}; ${PROFILES.join(', ')}` }
  const { rounds, watchers, seconds, idle, clients } = sizes
  const storm = quick
    ? { everySeconds: 3, awaySeconds: 0.5, seconds: 6 }
    : { everySeconds: 15, awaySeconds: 2, seconds: 60 }
  return {
    ok: true,
    value: {
      only: listOf(only),
      profiles: named.length === 0 ? [...PROFILES] : named.filter(isProfile),
      rounds,
      fanOut: rates.map((rate) => ({ watchers, rate, seconds })),
      idleConnections: idle,
      jitter: { clients, rate: quick ? 10 : 2, ...storm },
      note,
      publish,
      quick,
    },
  }
}

/** Those of the names that are asked for; undefined if something asked for is none of them. */
export function chosen(names: readonly string[], only: readonly string[]): string[] | undefined {
  if (only.length === 0) return [...names]
  const begins = (name: string, part: string): boolean => name.toLowerCase().startsWith(part.toLowerCase())
  if (only.some((part) => !names.some((name) => begins(name, part)))) return undefined
  return names.filter((name) => only.some((part) => begins(name, part)))
}
