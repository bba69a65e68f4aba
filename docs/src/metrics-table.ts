/** What a process measures, as its registries hold it. */
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { table } from './table.ts'

/** The usual ones of Node, which prom-client brings and describes. */
const OF_NODE = /^(nodejs|process)_/

const metric = z.object({ name: z.string(), help: z.string(), labelNames: z.array(z.string()).default([]) })

export function metricsTable(registry: Pick<Registry, 'getMetricsAsArray'>): string {
  const rows = registry
    .getMetricsAsArray()
    .map((one) => metric.parse(one))
    .filter(({ name }) => !OF_NODE.test(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, labelNames }) => [`\`${name}\``, labelNames.map((label) => `\`${label}\``).join(' '), help])
  return table(['metric', 'labels', 'what it counts'], rows)
}
