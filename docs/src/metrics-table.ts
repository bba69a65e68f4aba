/** What a process measures, as its registries hold it. */
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { table } from './table.ts'

const metric = z.object({ name: z.string(), help: z.string(), labelNames: z.array(z.string()).default([]) })

export function metricsTable(registry: Pick<Registry, 'getMetricsAsArray'>): string {
  const rows = registry
    .getMetricsAsArray()
    .map((one) => metric.parse(one))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, labelNames }) => [`\`${name}\``, labelNames.map((label) => `\`${label}\``).join(' '), help])
  return table(['metric', 'labels', 'what it counts'], rows)
}
