/**
 * `npm run fuzz`: frames and requests made from the schemas and spoilt, against real processes, from seeds.
 *
 *   npm run fuzz                          for a minute, from fresh seeds
 *   npm run fuzz -- --minutes 15          for as long as you like; `--inputs 1000000` for as many
 *   npm run fuzz -- --from 1              from a given seed on
 *   npm run fuzz -- --seed 42             that one, with all that is said in it and what came of it
 *   npm run fuzz -- --limits default      with the limits of production; without it they are raised: more gets through
 *   npm run fuzz -- --no-internal         asks as strangers do; without it also what is for gateways, with their token
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { listenForEnd } from '@rhizom/infra/local/endings.ts'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { startTestServices } from '../../services/test-services.ts'
import { RAISED_LIMITS } from '../settings.ts'
import { Stage } from '../stage.ts'
import { Fuzz } from './fuzz.ts'
import { hunt } from './hunt.ts'
import { describeEpisode } from './shrink.ts'

const PROGRESS_EVERY_MS = 5_000
/** The common verdict is given once in so long. */
const VERDICT_EVERY_MS = 20_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    limits: { type: 'string', default: 'raised' },
    internal: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const numbers = [values.minutes, values.inputs, values.from, values.seed].filter((value) => value !== undefined)
if (numbers.some((value) => !(Number(value) >= 0)) || !['raised', 'default'].includes(values.limits)) {
  process.stderr.write('fuzz: --minutes, --inputs, --from and --seed take numbers, --limits takes raised or default\n')
  process.exit(2)
}
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let ended = false
listenForEnd({
  withParent: false,
  onEnd: (why) => {
    say(`ending: ${why}`)
    ended = true
  },
  onForce: () => process.exit(1),
})
// The name under which whoever comes next removes what a killed run left.
const directory = join(repository, '.local', `test-${process.pid}`)
mkdirSync(directory, { recursive: true })
const guard = startGuard()
const services = await startTestServices(join(directory, 'services'), guard)
Object.assign(process.env, services.environment)
let code = 1
try {
  const stage = await Stage.start({ watch: guard, ...(values.limits === 'raised' ? { env: RAISED_LIMITS } : {}) })
  try {
    const fuzz = await Fuzz.open(stage, { internal: values.internal })
    code = values.seed === undefined ? await search(stage, fuzz) : await tell(fuzz, Number(values.seed))
    fuzz.stop()
  } finally {
    await stage.stop()
  }
} finally {
  await services.stop()
  guard.close()
  rmSync(directory, { recursive: true, force: true })
}
process.exit(code)

async function search(stage: Stage, fuzz: Fuzz): Promise<number> {
  const most = values.inputs === undefined ? Number.POSITIVE_INFINITY : Number(values.inputs)
  const minutes = Number(values.minutes ?? (values.inputs === undefined ? 1 : Number.POSITIVE_INFINITY))
  let seed = values.from === undefined ? Date.now() % 1_000_000_000 : Number(values.from)
  const startedAt = performance.now()
  const elapsed = (): number => performance.now() - startedAt
  say(`seeds from ${seed}, limits ${values.limits}`)
  const progress = setInterval(
    () => say(`${Math.round(elapsed() / 1_000)} s: ${fuzz.tally.progress()}`),
    PROGRESS_EVERY_MS,
  )
  const isOver = (): boolean => ended || fuzz.tally.inputs >= most || elapsed() >= minutes * 60_000
  try {
    while (!isOver()) {
      const until = performance.now() + VERDICT_EVERY_MS
      const caught = await hunt(stage, fuzz, seed, () => !isOver() && performance.now() < until, {
        say,
        found: () => clearInterval(progress),
      })
      if (caught.problems.length > 0 && !ended) {
        say(
          `\n${caught.told}\n\nagain: npm run fuzz -- --seed ${caught.seed}${values.internal ? '' : ' --no-internal'}`,
        )
        return 1
      }
      seed = caught.next
    }
  } finally {
    clearInterval(progress)
    say(`\n${fuzz.tally.summary()}\n\n${Math.round(elapsed() / 1_000)} s: ${fuzz.tally.progress()}`)
  }
  say(
    ended
      ? 'ended before its time'
      : 'nothing found: every process is the one it was, nobody got a 5xx, the bystander was served',
  )
  return ended ? 1 : 0
}

async function tell(fuzz: Fuzz, seed: number): Promise<number> {
  const episode = fuzz.episode(seed)
  say(describeEpisode(episode))
  const { outcomes } = await fuzz.play(episode)
  say(`came to: ${outcomes.join(' · ')}`)
  const problems = await fuzz.judge([episode])
  say(problems.length === 0 ? 'all is well' : problems.join('\n'))
  return problems.length === 0 ? 0 : 1
}
