/**
 * Watches what the processes hold in memory, by their metrics. Where the figures cannot be read there are no samples,
 * and the bound on their number does not hold.
 */
import http from 'k6/http'
import { measures } from './measures.ts'
import { growthPercent, residentBytes } from './memory-growth.ts'
import type { Plan } from './plan.ts'
import { textOf } from './rest.ts'
import type { Run } from './run-setup.ts'
import { delay } from './watchers.ts'

export async function watchMemory(plan: Plan, run: Run): Promise<void> {
  const everyMs = (plan.memory?.everySeconds ?? 1) * 1_000
  const samples = plan.metrics.map((node) => ({ node, bytes: [] as number[] }))
  while (Date.now() < run.lastWriteAt) {
    for (const { node, bytes } of samples) {
      const answer = await http.asyncRequest('GET', node.url)
      const resident = answer.status === 200 ? residentBytes(textOf(answer)) : undefined
      if (resident === undefined) continue
      bytes.push(resident)
      measures.memorySamples.add(1)
      measures.memoryMegabytes.add(resident / 1_048_576, { node: node.name })
    }
    await delay(everyMs)
  }
  for (const { node, bytes } of samples) {
    const growth = growthPercent(bytes)
    if (growth !== undefined) measures.memoryGrowthPercent.add(growth, { node: node.name })
  }
}
