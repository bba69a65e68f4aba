/**
 * Renders a kustomization without kubectl, so that manifests are checked on a machine that has nothing installed.
 * It knows the parts of kustomize that these manifests use and reports every other key as a problem rather than
 * rendering something else than `kubectl apply -k` would. manifests.test.ts compares the two where kubectl exists.
 * Names made by generators stay without their hash.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord, readYaml, recordAt, recordsAt, stringAt, stringsAt, type YamlRecord } from './yaml-value.ts'

export interface Rendered {
  resources: YamlRecord[]
  problems: string[]
}

const KNOWN_KEYS = new Set([
  'apiVersion',
  'kind',
  'namespace',
  'labels',
  'resources',
  'configMapGenerator',
  'secretGenerator',
  'images',
])
const CLUSTER_WIDE = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PriorityClass', 'StorageClass'])

/** All resources of a kustomization folder, with everything it builds on. */
export function render(folder: string): Rendered {
  const file = join(folder, 'kustomization.yaml')
  if (!existsSync(file)) return { resources: [], problems: [`${file}: missing`] }
  const { documents, problems } = readYaml(file)
  const kustomization = documents[0]
  if (!isRecord(kustomization)) return { resources: [], problems: [...problems, `${file}: empty`] }

  for (const key of Object.keys(kustomization)) {
    if (!KNOWN_KEYS.has(key)) problems.push(`${file}: ${key} is not known to this renderer`)
  }
  const resources: YamlRecord[] = []
  for (const entry of stringsAt(kustomization, 'resources')) {
    const part = readResources(join(folder, entry))
    resources.push(...part.resources)
    problems.push(...part.problems)
  }
  resources.push(...generated(kustomization, folder))
  for (const resource of resources) {
    applyNamespace(resource, stringAt(kustomization, 'namespace'))
    applyLabels(resource, kustomization)
    applyImages(resource, recordsAt(kustomization, 'images'))
  }
  return { resources, problems }
}

function readResources(path: string): Rendered {
  if (!existsSync(path)) return { resources: [], problems: [`${path}: missing`] }
  if (statSync(path).isDirectory()) return render(path)
  const { documents, problems } = readYaml(path)
  return { resources: documents.filter(isRecord), problems }
}

function generated(kustomization: YamlRecord, folder: string): YamlRecord[] {
  const configMaps = recordsAt(kustomization, 'configMapGenerator').map((generator) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: stringAt(generator, 'name') },
    data: generatedPairs(generator, folder),
  }))
  const secrets = recordsAt(kustomization, 'secretGenerator').map((generator) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: stringAt(generator, 'name') },
    data: Object.fromEntries(
      Object.entries(generatedPairs(generator, folder)).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ]),
    ),
  }))
  return [...configMaps, ...secrets]
}

function generatedPairs(generator: YamlRecord, folder: string): Record<string, string> {
  const lines = [
    ...stringsAt(generator, 'envs').flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n')),
    ...stringsAt(generator, 'literals'),
  ]
  const pairs: Record<string, string> = {}
  for (const line of lines) {
    const cut = line.indexOf('=')
    if (line.startsWith('#') || cut < 0) continue
    pairs[line.slice(0, cut)] = line.slice(cut + 1)
  }
  return pairs
}

function applyNamespace(resource: YamlRecord, namespace: string | undefined): void {
  if (namespace === undefined || CLUSTER_WIDE.has(stringAt(resource, 'kind') ?? '')) return
  resource['metadata'] = { ...recordAt(resource, 'metadata'), namespace }
}

/** Labels without `includeSelectors` or `includeTemplates`: they go on the resource itself and nowhere else. */
function applyLabels(resource: YamlRecord, kustomization: YamlRecord): void {
  for (const entry of recordsAt(kustomization, 'labels')) {
    const metadata = recordAt(resource, 'metadata')
    resource['metadata'] = { ...metadata, labels: { ...recordAt(metadata, 'labels'), ...recordAt(entry, 'pairs') } }
  }
}

function applyImages(resource: YamlRecord, images: readonly YamlRecord[]): void {
  const pod = recordAt(resource, 'spec', 'template', 'spec')
  for (const container of [...recordsAt(pod, 'initContainers'), ...recordsAt(pod, 'containers')]) {
    const image = images.find((candidate) => stringAt(candidate, 'name') === container['image'])
    if (image === undefined) continue
    const tag = stringAt(image, 'newTag')
    const name = stringAt(image, 'newName') ?? stringAt(image, 'name') ?? ''
    container['image'] = tag === undefined ? name : `${name}:${tag}`
  }
}
