/**
 * What the checkers need to know about a Deployment or Job: its pod, its containers, and the environment each
 * container gets, with every reference to a ConfigMap or Secret followed.
 */
import { isRecord, recordAt, recordsAt, stringAt, type YamlRecord } from './yaml-value.ts'

const WORKLOADS = new Set(['Deployment', 'Job'])

export const workloadsOf = (resources: readonly YamlRecord[]): YamlRecord[] =>
  resources.filter((resource) => WORKLOADS.has(stringAt(resource, 'kind') ?? ''))

export const podOf = (workload: YamlRecord): YamlRecord => recordAt(workload, 'spec', 'template', 'spec')
export const podLabelsOf = (workload: YamlRecord): YamlRecord =>
  recordAt(workload, 'spec', 'template', 'metadata', 'labels')

/** Containers that serve, and those that run before them. */
export const containersOf = (workload: YamlRecord): YamlRecord[] => recordsAt(podOf(workload), 'containers')
export const allContainersOf = (workload: YamlRecord): YamlRecord[] => [
  ...recordsAt(podOf(workload), 'initContainers'),
  ...containersOf(workload),
]

export const findResource = (resources: readonly YamlRecord[], kind: string, name: string): YamlRecord | undefined =>
  resources.find(
    (candidate) => stringAt(candidate, 'kind') === kind && stringAt(candidate, 'metadata', 'name') === name,
  )

/** A selector picks a pod if each of its labels is on it. An empty selector picks everything, which nobody means. */
export function selects(selector: YamlRecord, labels: YamlRecord): boolean {
  const wanted = Object.entries(selector)
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
}

export interface Environment {
  /** Names with their value where it is known; undefined for what a secret holds. */
  values: Map<string, string | undefined>
  problems: string[]
}

/** The environment of one container. */
export function environmentOf(container: YamlRecord, resources: readonly YamlRecord[]): Environment {
  const values = new Map<string, string | undefined>()
  const problems: string[] = []
  const sourceOf = (kind: string, name: string | undefined): YamlRecord | undefined => {
    const source = findResource(resources, kind, name ?? '')
    if (source === undefined) problems.push(`no ${kind} ${String(name)}`)
    return source
  }
  for (const entry of recordsAt(container, 'envFrom')) {
    const kind = isRecord(entry['configMapRef']) ? 'ConfigMap' : 'Secret'
    const name = stringAt(entry, 'configMapRef', 'name') ?? stringAt(entry, 'secretRef', 'name')
    for (const [key, value] of Object.entries(recordAt(sourceOf(kind, name), 'data'))) {
      values.set(key, kind === 'ConfigMap' ? String(value) : undefined)
    }
  }
  for (const entry of recordsAt(container, 'env')) {
    const variable = stringAt(entry, 'name') ?? '?'
    if (values.has(variable)) problems.push(`${variable} is given twice`)
    values.set(variable, stringAt(entry, 'value'))
    for (const [field, kind] of [
      ['configMapKeyRef', 'ConfigMap'],
      ['secretKeyRef', 'Secret'],
    ] as const) {
      const reference = recordAt(entry, 'valueFrom', field)
      const name = stringAt(reference, 'name')
      const key = stringAt(reference, 'key')
      if (name === undefined || key === undefined) continue
      const source = sourceOf(kind, name)
      if (source !== undefined && !(key in recordAt(source, 'data'))) problems.push(`${kind} ${name} has no key ${key}`)
    }
  }
  return { values, problems }
}
