/**
 * A CPU profile as V8's inspector gives it, turned into a tree of calls with the time spent in each. Pure. The profile
 * holds nodes, each the same function reached by the same calls, and the node that ran at each sample with the time to
 * the sample before.
 */
import { z } from 'zod'

export const cpuProfileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  startTime: z.number(),
  endTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
})
export type CpuProfile = z.infer<typeof cpuProfileSchema>

export interface CallNode {
  name: string
  /** File and line, as short as it is clear; empty for what has no source. */
  place: string
  selfMs: number
  /** With all that it called. */
  totalMs: number
  children: CallNode[]
}

/** The pseudo functions of V8 under which nothing of ours ran. */
const IDLE = '(idle)'

/** The part of an address that a reader of this repository needs. */
export function shortPlace(url: string, lineNumber: number): string {
  if (url === '') return ''
  const path = url.replace(/^file:\/\//, '')
  const packed = /\/node_modules\/(?:\.pnpm\/[^/]+\/node_modules\/)?((?:@[^/]+\/)?[^/]+\/.*)$/.exec(path)?.[1]
  const ours = /\/((?:machine|process|protocol|domain|api|gateway|client|bots|web|infra|loadtests)\/(?:src|local)\/.*)$/
  return `${packed ?? ours.exec(path)?.[1] ?? path}:${lineNumber + 1}`
}

/** The calls from the root on, the most expensive first; the time is in the leaves of the samples. */
export function callTree(profile: CpuProfile): CallNode {
  const selfMs = new Map<number, number>()
  for (const [i, id] of profile.samples.entries()) {
    // The first few may be below zero: the sampler's clock is set right while it begins.
    selfMs.set(id, (selfMs.get(id) ?? 0) + Math.max(0, profile.timeDeltas[i] ?? 0) / 1_000)
  }
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const build = (id: number): CallNode => {
    const node = nodes.get(id)
    const children = (node?.children ?? []).map(build).sort((a, b) => b.totalMs - a.totalMs)
    const own = selfMs.get(id) ?? 0
    const { functionName = '', url = '', lineNumber = 0 } = node?.callFrame ?? {}
    return {
      name: functionName === '' ? '(anonymous)' : functionName,
      place: shortPlace(url, lineNumber),
      selfMs: own,
      totalMs: children.reduce((sum, child) => sum + child.totalMs, own),
      children,
    }
  }
  const root = profile.nodes[0]
  if (root === undefined) return { name: '(root)', place: '', selfMs: 0, totalMs: 0, children: [] }
  return build(root.id)
}

/** The tree without the time in which nothing was to do, and how long that was. */
export function withoutIdle(tree: CallNode): { busy: CallNode; idleMs: number } {
  const idle = tree.children.filter(({ name }) => name === IDLE)
  const idleMs = idle.reduce((sum, { totalMs }) => sum + totalMs, 0)
  const children = tree.children.filter(({ name }) => name !== IDLE)
  return { busy: { ...tree, children, totalMs: tree.totalMs - idleMs }, idleMs }
}

export interface FunctionTime {
  name: string
  place: string
  selfMs: number
  /** Share of the time that was spent at all. */
  share: number
}

/** The functions in which the most time was spent, wherever they were called from. */
export function topFunctions(busy: CallNode, count: number): FunctionTime[] {
  const sums = new Map<string, FunctionTime>()
  const add = ({ name, place, selfMs, children }: CallNode): void => {
    const key = `${name} ${place}`
    const sum = sums.get(key) ?? { name, place, selfMs: 0, share: 0 }
    sum.selfMs += selfMs
    sums.set(key, sum)
    children.forEach(add)
  }
  add(busy)
  const whole = Math.max(busy.totalMs, Number.EPSILON)
  return [...sums.values()]
    .filter(({ selfMs }) => selfMs > 0)
    .map((sum) => ({ ...sum, share: sum.selfMs / whole }))
    .sort((a, b) => b.selfMs - a.selfMs)
    .slice(0, count)
}
