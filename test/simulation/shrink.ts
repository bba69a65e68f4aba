/**
 * Makes a failing plan smaller while it still breaks the same rule: leaves out operations in ever smaller pieces
 * (delta debugging), then calms the weather and empties the world. What is left is usually the story of the fault.
 */
import { type Plan, type Planned, type Shape, type Weather } from './plan.ts'
import { simulatePlan } from './simulate.ts'

export interface Shrunk {
  plan: Plan
  runs: number
}

/** `isFailing` tells whether a plan still breaks the rule in question. */
export async function shrinkWith(
  plan: Plan,
  isFailing: (plan: Plan) => Promise<boolean>,
  maxRuns: number,
): Promise<Shrunk> {
  let best = plan
  let runs = 0
  const holds = async (candidate: Plan): Promise<boolean> => {
    if (runs >= maxRuns) return false
    runs += 1
    if (!(await isFailing(candidate))) return false
    best = candidate
    return true
  }
  for (let before = -1; before !== runs && runs < maxRuns; ) {
    const size = sizeOf(best)
    await leaveOut('moves', holds, () => best)
    await leaveOut('ops', holds, () => best)
    for (const simpler of simplerShapes(best.shape)) await holds({ ...best, shape: { ...best.shape, ...simpler } })
    before = sizeOf(best) < size ? -1 : runs
  }
  return { plan: best, runs }
}

export function shrink(plan: Plan, rule: string, maxRuns = 600): Promise<Shrunk> {
  return shrinkWith(plan, async (candidate) => (await simulatePlan(candidate)).violation?.rule === rule, maxRuns)
}

const sizeOf = ({ ops, moves, shape }: Plan): number =>
  ops.length +
  moves.length +
  shape.presence.tabs +
  shape.clients +
  shape.gateways +
  shape.spaces +
  Object.values(shape.weather).filter((p) => p > 0).length

async function leaveOut(
  what: 'ops' | 'moves',
  holds: (plan: Plan) => Promise<boolean>,
  best: () => Plan,
): Promise<void> {
  const { length } = best()[what]
  for (let piece = Math.ceil(length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < best()[what].length; ) {
      const all = best()[what]
      const rest: readonly Planned[] = [...all.slice(0, at), ...all.slice(at + piece)]
      if (!(await holds({ ...best(), [what]: rest }))) at += piece
    }
  }
}

function simplerShapes({ weather, clients, gateways, spaces, presence }: Shape): Partial<Shape>[] {
  const calmer = (Object.keys(weather) as (keyof Weather)[])
    .filter((what) => weather[what] > 0)
    .map((what) => ({ weather: { ...weather, [what]: 0 } }))
  return [
    ...calmer,
    ...(presence.storeBreaks > 0 ? [{ presence: { ...presence, storeBreaks: 0 } }] : []),
    ...(presence.tabs > 0 ? [{ presence: { ...presence, tabs: presence.tabs - 1 } }] : []),
    ...(spaces > 1 ? [{ spaces: spaces - 1 }] : []),
    ...(gateways > 1 ? [{ gateways: gateways - 1 }] : []),
    ...(clients > 1 ? [{ clients: clients - 1 }] : []),
  ]
}

/** A plan as one would read it aloud. */
export function describePlan({ seed, shape, ops, moves }: Plan): string {
  const { weather, tuning, presence, ...counts } = shape
  const words = (fields: object): string => JSON.stringify(fields).replaceAll('"', '')
  const lineOf = ({ atMs, kind, ...rest }: Planned): string => `${String(atMs).padStart(7)} ms  ${kind} ${words(rest)}`
  return [
    `seed ${seed}: ${words(counts)}`,
    `weather ${words(weather)}`,
    `tuning ${words(tuning)}`,
    `presence ${words(presence)}`,
    ...ops.map(lineOf),
    ...(moves.length > 0 ? ['when all is well:', ...moves.map(lineOf)] : []),
  ].join('\n')
}
