/**
 * Do the resources fit together? Kubernetes accepts a service that selects nothing, a port name that no container
 * has and a secret key that does not exist, and the fault shows when traffic should flow. These are the checks
 * that no schema makes.
 */
import { nameOf } from './object-check.ts'
import { isRecord, recordAt, recordsAt, stringAt, type YamlRecord } from './yaml-value.ts'
import { allContainersOf, containersOf, environmentOf, podLabelsOf, podOf, selects, workloadsOf } from './workload.ts'

/** What is wrong between resources. */
export function checkReferences(resources: readonly YamlRecord[]): string[] {
  return [
    ...duplicates(resources),
    ...resources.flatMap((resource) => {
      switch (stringAt(resource, 'kind')) {
        case 'Service':
          return serviceFaults(resource, resources)
        case 'PodDisruptionBudget':
          return budgetFaults(resource, resources)
        case 'NetworkPolicy':
          return policyFaults(resource, resources)
        case 'Deployment':
        case 'Job':
          return [...selectorFaults(resource), ...containerFaults(resource, resources)]
        default:
          return []
      }
    }),
  ]
}

function duplicates(resources: readonly YamlRecord[]): string[] {
  const names = resources.map(nameOf)
  return names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${name}: given twice`)
}

function selectorFaults(workload: YamlRecord): string[] {
  if (stringAt(workload, 'kind') === 'Job') return []
  const labels = podLabelsOf(workload)
  const faults: string[] = []
  if (!selects(recordAt(workload, 'spec', 'selector', 'matchLabels'), labels)) {
    faults.push(`${nameOf(workload)}: its selector does not match the labels of its own pods`)
  }
  for (const spread of recordsAt(podOf(workload), 'topologySpreadConstraints')) {
    if (!selects(recordAt(spread, 'labelSelector', 'matchLabels'), labels)) {
      faults.push(`${nameOf(workload)}: its topology spread does not count its own pods`)
    }
  }
  return faults
}

function serviceFaults(service: YamlRecord, resources: readonly YamlRecord[]): string[] {
  const name = nameOf(service)
  const selected = workloadsOf(resources).filter((workload) =>
    selects(recordAt(service, 'spec', 'selector'), podLabelsOf(workload)),
  )
  const [workload] = selected
  if (workload === undefined || selected.length > 1) return [`${name}: selects ${selected.length} workloads, not one`]
  const offered = containersOf(workload).flatMap((container) => recordsAt(container, 'ports'))
  return recordsAt(service, 'spec', 'ports').flatMap((port) => {
    const target = port['targetPort']
    if (typeof target !== 'string') return [`${name}: targetPort is to be the name of a port`]
    return offered.some((candidate) => candidate['name'] === target)
      ? []
      : [`${name}: no container port named ${target}`]
  })
}

function budgetFaults(budget: YamlRecord, resources: readonly YamlRecord[]): string[] {
  const selector = recordAt(budget, 'spec', 'selector', 'matchLabels')
  const selected = workloadsOf(resources).filter((workload) => selects(selector, podLabelsOf(workload)))
  return selected.length === 1 ? [] : [`${nameOf(budget)}: selects ${selected.length} workloads, not one`]
}

function policyFaults(policy: YamlRecord, resources: readonly YamlRecord[]): string[] {
  const name = nameOf(policy)
  const selector = recordAt(policy, 'spec', 'podSelector', 'matchLabels')
  const selected = workloadsOf(resources).filter((workload) => selects(selector, podLabelsOf(workload)))
  const [workload] = selected
  if (workload === undefined || selected.length > 1) return [`${name}: selects ${selected.length} workloads, not one`]
  const offered = containersOf(workload).flatMap((container) => recordsAt(container, 'ports'))
  return recordsAt(policy, 'spec', 'ingress')
    .flatMap((rule) => recordsAt(rule, 'ports'))
    .flatMap(({ port }) =>
      offered.some((candidate) => candidate['name'] === port)
        ? []
        : [`${name}: no container port named ${String(port)}`],
    )
}

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'] as const

function containerFaults(workload: YamlRecord, resources: readonly YamlRecord[]): string[] {
  const volumes = recordsAt(podOf(workload), 'volumes').map((volume) => volume['name'])
  return allContainersOf(workload).flatMap((container) => {
    const name = `${nameOf(workload)} ${stringAt(container, 'name') ?? '?'}`
    const ports = recordsAt(container, 'ports')
    const environment = environmentOf(container, resources)
    const faults = [...environment.problems]
    for (const probe of PROBES) {
      const target = recordAt(container, probe, 'httpGet')['port']
      if (isRecord(container[probe]) && !ports.some((port) => port['name'] === target)) {
        faults.push(`${probe} asks port ${String(target)}, which is no named port of its container`)
      }
    }
    for (const variable of ['PORT', 'INTERNAL_PORT']) {
      const port = environment.values.get(variable)
      if (port !== undefined && !ports.some((candidate) => String(candidate['containerPort']) === port)) {
        faults.push(`${variable} is ${port}, but no containerPort is`)
      }
    }
    for (const mount of recordsAt(container, 'volumeMounts')) {
      if (!volumes.includes(mount['name'])) faults.push(`mounts ${String(mount['name'])}, which is no volume`)
    }
    return faults.map((fault) => `${name}: ${fault}`)
  })
}
