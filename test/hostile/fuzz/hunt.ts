/**
 * One stretch of the fuzz under the common verdict, and what is done when that is not good: found out which seed it
 * was, and made small, by playing again what was played.
 */
import type { Stage } from '../stage.ts'
import type { Episode } from './episode.ts'
import type { Fuzz, Run } from './fuzz.ts'
import { alone, describeEpisode, type Fails, leaveOut, shrinkEpisode } from './shrink.ts'

/** How often what was found is played again: to find the seed, then to leave out steps, then to shorten each. */
const MOST_ASKED = 40

export interface Caught {
  next: number
  /** Empty where all is well. */
  problems: readonly string[]
  seed: number | undefined
  told: string
}

export interface HuntOptions {
  say(text: string): void
  /** Something was found: from now on it is made small. */
  found(): void
  most?: number
}

export async function hunt(
  stage: Stage,
  fuzz: Fuzz,
  from: number,
  goesOn: () => boolean,
  { say, found, most = MOST_ASKED }: HuntOptions,
): Promise<Caught> {
  let run: Run | undefined
  const { problems } = await stage.judge({
    name: 'fuzz',
    strike: async ({ claim }) => {
      run = await fuzz.run(from, goesOn)
      for (const { episode, problems: found } of run.findings) claim(false, `seed ${episode.seed}: ${found.join('; ')}`)
    },
  })
  const next = run?.next ?? from
  if (problems.length === 0) return { next, problems, seed: undefined, told: '' }
  found()
  say(`found: ${problems.join('\n       ')}\nlooking for the seed and shrinking …`)
  const { fail, isQuick } = failing(fuzz, problems, run)
  const suspects = run !== undefined && run.suspects.length > 0 ? run.suspects : seedsBetween(from, next)
  const culprit = await findCulprit(fuzz, suspects, fail, isQuick)
  if (culprit === undefined) {
    const told = `${problems.join('\n')}\nnot again when played alone; under way were the seeds ${suspects.join(' ')}`
    return { next, problems, seed: suspects[0], told }
  }
  const small = await shrinkEpisode(culprit, (episode) => fail([episode]), { most, isQuick })
  const why = await fuzz.judge([small])
  return { next, problems, seed: culprit.seed, told: `${why.join('\n')}\n\n${describeEpisode(small)}` }
}

type Fail = Fails<readonly Episode[]>

/** Whether the same happens again. Only what shows in nothing else takes the whole verdict, which is slow. */
function failing(fuzz: Fuzz, problems: readonly string[], run: Run | undefined): { fail: Fail; isQuick: boolean } {
  if (problems.some((problem) => problem.endsWith(' ended')))
    return { fail: async (episodes) => (await fuzz.playAgain(episodes)).ended, isQuick: true }
  if (run !== undefined && run.findings.length > 0)
    return { fail: async (episodes) => (await fuzz.playAgain(episodes)).problems.length > 0, isQuick: true }
  return { fail: async (episodes) => (await fuzz.judge(episodes)).length > 0, isQuick: false }
}

const seedsBetween = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

async function findCulprit(fuzz: Fuzz, suspects: readonly number[], fail: Fail, isQuick: boolean) {
  const fails = (seeds: readonly number[]): Promise<boolean> => fail(seeds.map((seed) => fuzz.episode(seed)))
  const single = isQuick ? await alone(suspects, fails) : undefined
  if (single === undefined && !(await fails(suspects))) return undefined
  const [seed] = single ?? (await leaveOut(suspects, fails, MOST_ASKED))
  return seed === undefined ? undefined : fuzz.episode(seed)
}
