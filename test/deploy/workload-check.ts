/**
 * What rhizom asks of its own workloads beyond being valid: no rights they do not need, probes that tell a dead
 * process from a missing dependency, no gap in a rolling update, time to drain, and only settings that exist.
 */
import { nameOf } from './object-check.ts'
import { numberAt, recordAt, recordsAt, stringAt, stringsAt, valueAt, type YamlRecord } from './yaml-value.ts'
import {
  allContainersOf,
  containersOf,
  environmentOf,
  findResource,
  podLabelsOf,
  podOf,
  selects,
  workloadsOf,
} from './workload.ts'

/** What a process can be told, by the image it runs in. */
export interface ProcessSettings {
  image: string
  /** Every variable it reads. */
  known: ReadonlySet<string>
  /** Those without a default. */
  /** One of each is to be given. */
  required: readonly (readonly string[])[]
  /** How long it takes to stop, at most. */
  drainMs: number
}

/** What is wrong with the workloads, given what their processes can be told. */
export function checkWorkloads(resources: readonly YamlRecord[], processes: readonly ProcessSettings[]): string[] {
  return workloadsOf(resources).flatMap((workload) => [
    ...podFaults(workload).map((fault) => `${nameOf(workload)}: ${fault}`),
    ...drainFaults(workload, processes).map((fault) => `${nameOf(workload)}: ${fault}`),
    ...(stringAt(workload, 'kind') === 'Deployment'
      ? deploymentFaults(workload, resources).map((fault) => `${nameOf(workload)}: ${fault}`)
      : []),
    ...allContainersOf(workload).flatMap((container) =>
      [...rightsFaults(container), ...settingFaults(container, resources, processes)].map(
        (fault) => `${nameOf(workload)} ${stringAt(container, 'name') ?? '?'}: ${fault}`,
      ),
    ),
    ...containersOf(workload).flatMap((container) =>
      probeFaults(container).map((fault) => `${nameOf(workload)} ${stringAt(container, 'name') ?? '?'}: ${fault}`),
    ),
  ])
}

function podFaults(workload: YamlRecord): string[] {
  const pod = podOf(workload)
  const faults: string[] = []
  if (valueAt(pod, 'securityContext', 'runAsNonRoot') !== true) faults.push('may run as root')
  if (numberAt(pod, 'securityContext', 'runAsUser') === undefined) faults.push('names no user by number')
  if (stringAt(pod, 'securityContext', 'seccompProfile', 'type') !== 'RuntimeDefault')
    faults.push('has no seccomp profile')
  if (pod['automountServiceAccountToken'] !== false) faults.push('gets a token for the cluster that it does not need')
  if (pod['hostNetwork'] === true || pod['hostPID'] === true) faults.push('shares a namespace with its host')
  return faults
}

function rightsFaults(container: YamlRecord): string[] {
  const context = recordAt(container, 'securityContext')
  const faults: string[] = []
  if (context['allowPrivilegeEscalation'] !== false) faults.push('may gain privileges')
  if (context['privileged'] === true) faults.push('is privileged')
  if (context['readOnlyRootFilesystem'] !== true) faults.push('may write to its image')
  if (!stringsAt(context, 'capabilities', 'drop').includes('ALL')) faults.push('keeps capabilities')
  for (const resource of ['cpu', 'memory']) {
    if (valueAt(container, 'resources', 'requests', resource) === undefined) faults.push(`requests no ${resource}`)
  }
  if (valueAt(container, 'resources', 'limits', 'memory') === undefined) faults.push('has no limit of memory')
  for (const entry of recordsAt(container, 'env')) {
    const name = stringAt(entry, 'name') ?? ''
    if (
      /SECRET|TOKEN|PASSWORD|_URL$/.test(name) &&
      !['API_URL', 'API_INTERNAL_URL'].includes(name) &&
      entry['value'] !== undefined
    ) {
      faults.push(`${name} is written down; it belongs into a secret`)
    }
  }
  return faults
}

function probeFaults(container: YamlRecord): string[] {
  const pathOf = (probe: string): string | undefined => stringAt(container, probe, 'httpGet', 'path')
  const faults: string[] = []
  if (pathOf('startupProbe') === undefined) faults.push('has no startup probe')
  if (pathOf('readinessProbe') === undefined) faults.push('has no readiness probe')
  if (pathOf('livenessProbe') !== '/healthz') faults.push('its liveness must not depend on others: /healthz')
  const image = imageName(container)
  // Without Redis both still serve; taking all of them out of service would make an outage of it.
  if (image !== 'rhizom-web' && pathOf('readinessProbe') !== '/readyz?exclude=redis')
    faults.push('its readiness is not /readyz?exclude=redis')
  return faults
}

function deploymentFaults(deployment: YamlRecord, resources: readonly YamlRecord[]): string[] {
  const faults: string[] = []
  if (valueAt(deployment, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable') !== 0) {
    faults.push('a rolling update may take a pod away before its successor is ready')
  }
  if ((numberAt(deployment, 'spec', 'replicas') ?? 1) < 2) faults.push('has fewer than two replicas')
  if (recordsAt(podOf(deployment), 'topologySpreadConstraints').length === 0) faults.push('may end up on one node')
  const budgets = resources.filter((resource) => stringAt(resource, 'kind') === 'PodDisruptionBudget')
  const labels = podLabelsOf(deployment)
  if (!budgets.some((budget) => selects(recordAt(budget, 'spec', 'selector', 'matchLabels'), labels))) {
    faults.push('has no disruption budget')
  }
  return faults
}

const imageName = (container: YamlRecord): string =>
  (stringAt(container, 'image') ?? '').replace(/^.*\//, '').replace(/[:@].*$/, '')

/** Kubernetes kills after the grace period, and the pause before SIGTERM counts. */
function drainFaults(workload: YamlRecord, processes: readonly ProcessSettings[]): string[] {
  const graceSeconds = numberAt(podOf(workload), 'terminationGracePeriodSeconds') ?? 30
  return containersOf(workload).flatMap((container) => {
    const pause = stringsAt(container, 'lifecycle', 'preStop', 'exec', 'command')
    const pauseSeconds = pause[0] === 'sleep' ? Number(pause[1]) : 0
    const drainMs = processes.find((candidate) => candidate.image === imageName(container))?.drainMs ?? 0
    const neededSeconds = pauseSeconds + drainMs / 1000
    return graceSeconds > neededSeconds
      ? []
      : [`is killed after ${graceSeconds} s, but needs more than ${neededSeconds} s to stop`]
  })
}

function settingFaults(
  container: YamlRecord,
  resources: readonly YamlRecord[],
  processes: readonly ProcessSettings[],
): string[] {
  const settings = processes.find((candidate) => candidate.image === imageName(container))
  if (settings === undefined) return []
  const { values } = environmentOf(container, resources)
  const faults = [...values.keys()].filter((name) => !settings.known.has(name)).map((name) => `${name} is no setting`)
  // A container with a command of its own, such as the migration, is another process with fewer needs.
  if (container['command'] !== undefined) return faults
  const missing = settings.required.filter((names) => !names.some((name) => values.has(name)))
  return [...faults, ...missing.map((names) => `${names.join(' or ')} is missing`)]
}

/** Every service that a setting names as http://service:port has that port. */
export function checkUrls(resources: readonly YamlRecord[]): string[] {
  return workloadsOf(resources).flatMap((workload) =>
    allContainersOf(workload).flatMap((container) =>
      [...environmentOf(container, resources).values].flatMap(([variable, value]) => {
        const target = /^(?:http:\/\/)?([a-z][a-z0-9-]*)(?:\.[a-z0-9.-]+)?:(\d+)$/.exec(value ?? '')
        if (target === null) return []
        const service = findResource(resources, 'Service', target[1] ?? '')
        const has = recordsAt(service, 'spec', 'ports').some((port) => String(port['port']) === target[2])
        return has ? [] : [`${nameOf(workload)}: ${variable} is ${value ?? ''}, which is no port of a service here`]
      }),
    ),
  )
}
