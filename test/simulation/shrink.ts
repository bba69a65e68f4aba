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
    await leaveOut(best, holds, () => best)
    for (const simpler of simplerShapes(best.shape)) await holds({ ...best, shape: { ...best.shape, ...simpler } })
    before = sizeOf(best) < size ? -1 : runs
  }
  return { plan: best, runs }
}

export function shrink(plan: Plan, rule: string, maxRuns = 600): Promise<Shrunk> {
  return shrinkWith(plan, async (candidate) => (await simulatePlan(candidate)).violation?.rule === rule, maxRuns)
}

const sizeOf = ({ ops, shape }: Plan): number =>
  ops.length + shape.clients + shape.gateways + shape.spaces + Object.values(shape.weather).filter((p) => p > 0).length

async function leaveOut(plan: Plan, holds: (plan: Plan) => Promise<boolean>, best: () => Plan): Promise<void> {
  for (let piece = Math.ceil(plan.ops.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < best().ops.length; ) {
      const { ops } = best()
      const rest: readonly Planned[] = [...ops.slice(0, at), ...ops.slice(at + piece)]
      if (!(await holds({ ...best(), ops: rest }))) at += piece
    }
  }
}

function simplerShapes({ weather, clients, gateways, spaces }: Shape): Partial<Shape>[] {
  const calmer = (Object.keys(weather) as (keyof Weather)[])
    .filter((what) => weather[what] > 0)
    .map((what) => ({ weather: { ...weather, [what]: 0 } }))
  return [
    ...calmer,
    ...(spaces > 1 ? [{ spaces: spaces - 1 }] : []),
    ...(gateways > 1 ? [{ gateways: gateways - 1 }] : []),
    ...(clients > 1 ? [{ clients: clients - 1 }] : []),
  ]
}

/** A plan as one would read it aloud. */
export function describePlan({ seed, shape, ops }: Plan): string {
  const { weather, tuning, ...counts } = shape
  const words = (fields: object): string => JSON.stringify(fields).replaceAll('"', '')
  const lines = ops.map(({ atMs, kind, ...rest }) => `${String(atMs).padStart(7)} ms  ${kind} ${words(rest)}`)
  return [`seed ${seed}: ${words(counts)}`, `weather ${words(weather)}`, `tuning ${words(tuning)}`, ...lines].join('\n')
}
