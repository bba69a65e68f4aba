/** Makes what fails smaller for as long as it fails: fewer seeds, fewer steps, shorter texts. */
import type { Episode, Step } from './episode.ts'

export type Fails<T> = (candidate: T) => Promise<boolean>

/** The first that fails all alone. Where what fails ends a process, that is quick: all others leave it as it is. */
export async function alone<T>(all: readonly T[], fails: Fails<readonly T[]>): Promise<readonly T[] | undefined> {
  for (const one of all) if (await fails([one])) return [one]
  return undefined
}

/** Leaves out ever smaller pieces (delta debugging); asks no more than `most` times. */
export async function leaveOut<T>(all: readonly T[], fails: Fails<readonly T[]>, most: number): Promise<readonly T[]> {
  let best = all
  let asked = 0
  for (let piece = Math.ceil(all.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2))
    for (let at = 0; at < best.length && best.length > 1 && asked < most; ) {
      const rest = [...best.slice(0, at), ...best.slice(at + piece)]
      asked += 1
      if (rest.length > 0 && (await fails(rest))) best = rest
      else at += piece
    }
  return best
}

export async function shrinkEpisode(
  episode: Episode,
  fails: Fails<Episode>,
  { most, isQuick }: { most: number; isQuick: boolean },
): Promise<Episode> {
  const withSteps = (steps: readonly Step[]): Promise<boolean> => fails({ ...episode, steps })
  const single = isQuick ? await alone(episode.steps, withSteps) : undefined
  const steps = single ?? (await leaveOut(episode.steps, withSteps, most))
  let best: Episode = { ...episode, steps }
  for (const [index, step] of steps.entries()) {
    const withText = (text: string): Episode => ({
      ...best,
      steps: best.steps.map((one, at) => (at === index ? { ...one, text } : one)),
    })
    // A thousand pieces at the most: what is found is to be read by a person, and not to be the shortest there is.
    const size = Math.max(1, Math.ceil(step.text.length / 1_000))
    const pieces = step.text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    best = withText((await leaveOut(pieces, (fewer) => fails(withText(fewer.join(''))), most)).join(''))
  }
  return best
}

const LONGEST_SHOWN = 2_000

/** An episode as one would read it aloud. */
export function describeEpisode({ seed, kind, node, steps }: Episode): string {
  const lines = steps.map(({ text, encoding, ways, shape, request }) => {
    const shown = JSON.stringify(text)
    const short = shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}… (${text.length} letters)` : shown
    const asked = request === undefined ? '' : `${request.method} ${request.path} ${JSON.stringify(request.headers)} `
    const frame = shape === undefined ? '' : ` as ${JSON.stringify(shape)}`
    return `  ${asked}${short}${encoding === 'latin1' ? ' (bytes)' : ''}${frame}   [${ways.join(', ')}]`
  })
  return [`seed ${seed}: ${kind}, node ${node}, ${steps.length} steps`, ...lines].join('\n')
}
