import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settings as apiSettings } from '@rhizom/api'
import { settings as gatewaySettings } from '@rhizom/gateway'
import { render } from './kustomize.ts'
import { checkManifests } from './manifests.ts'
import { PLANTED_FAULTS } from './planted-faults.ts'
import { processSettings } from './process-settings.ts'
import { containersOf, environmentOf, findResource } from './workload.ts'
import { parseYaml, recordAt, recordsAt, stringAt, type YamlRecord } from './yaml-value.ts'

const k8s = join(import.meta.dirname, '../../infra/k8s')
const overlay = 'overlays/example'
const processes = [
  processSettings('rhizom-api', apiSettings, Number(apiSettings.STOP_TIMEOUT_MS.default)),
  processSettings('rhizom-gateway', gatewaySettings, Number(gatewaySettings.DRAIN_GRACE_MS.default)),
]

describe('the manifests', () => {
  it('K1 render offline and hold nothing that a cluster would refuse or drop in silence', () => {
    const rendered = render(join(k8s, overlay))
    expect(checkManifests(rendered, processes)).toEqual([])
    expect(rendered.resources.filter((resource) => resource['kind'] === 'Deployment')).toHaveLength(3)
  })

  it('K71 a gateway is given what verifies sessions and nothing that signs them', () => {
    const { resources } = render(join(k8s, overlay))
    const gateway = findResource(resources, 'Deployment', 'gateway') ?? {}
    const names = containersOf(gateway).flatMap((one) => [...environmentOf(one, resources).values.keys()])
    expect(names).toContain('TOKEN_PUBLIC_KEYS')
    for (const signs of ['TOKEN_KEYS', 'TOKEN_SECRET']) expect(names).not.toContain(signs)
  })

  it('G226 the memory of a gateway is enough for all that its settings let it hold', () => {
    const { resources } = render(join(k8s, overlay))
    const [gateway = {}] = containersOf(findResource(resources, 'Deployment', 'gateway') ?? {})
    const { values } = environmentOf(gateway, resources)
    const [connections, held] = ['MAX_CONNECTIONS', 'MAX_HELD_BYTES'].map((name) => Number(values.get(name)))
    const limit = stringAt(gateway, 'resources', 'limits', 'memory')
    expect(limit).toBe('1Gi')
    const wanted = 200 * 2 ** 20 + (connections ?? Number.NaN) * 8_000 + 2 * (held ?? Number.NaN)
    expect(wanted).toBeLessThan(2 ** 30)
  })

  it('K2 the base holds no secret: an overlay or a secret store brings it', () => {
    const kinds = render(join(k8s, 'base')).resources.map((resource) => stringAt(resource, 'kind'))
    expect(kinds).not.toContain('Secret')
    expect(kinds).toContain('Deployment')
  })

  it.skipIf(spawnSync('kubectl', ['version', '--client']).status !== 0)(
    'K1 render to the same as with kubectl, where kubectl exists',
    () => {
      const text = execFileSync('kubectl', ['kustomize', join(k8s, overlay)], { encoding: 'utf8' })
      const theirs = parseYaml(text, 'kubectl').documents.map(withoutHashes)
      const ours = render(join(k8s, overlay)).resources.map(withoutHashes)
      expect(byName(ours)).toEqual(byName(theirs))
    },
  )
})

describe('planted faults', () => {
  let copy: string
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'rhizom-manifests-'))
    cpSync(k8s, copy, { recursive: true })
  })
  afterAll(() => rmSync(copy, { recursive: true }))

  it.each(PLANTED_FAULTS)('K3 $title is found', ({ file, find, replacement, says }) => {
    const path = join(copy, file)
    const sound = readFileSync(path, 'utf8')
    const broken = sound.replace(find, replacement)
    expect(broken).not.toBe(sound)
    writeFileSync(path, broken)
    const faults = checkManifests(render(join(copy, overlay)), processes)
    writeFileSync(path, sound)
    expect(faults.filter((fault) => says.test(fault))).not.toEqual([])
  })

  it('K3 the unbroken copy is sound', () => {
    expect(checkManifests(render(join(copy, overlay)), processes)).toEqual([])
  })
})

/** kubectl appends a hash to generated names, and the references follow. */
function withoutHashes(resource: unknown): YamlRecord {
  // It folds long base64 over lines, too.
  const text = JSON.stringify(resource).replaceAll('\\n', '')
  const bare = text.replaceAll(/((?:api|gateway|web)-config|rhizom-secrets)-[a-z0-9]{10}\b/g, '$1')
  return recordAt({ resource: JSON.parse(bare) }, 'resource')
}

function byName(resources: readonly YamlRecord[]): Record<string, YamlRecord> {
  return Object.fromEntries(
    recordsAt({ resources }, 'resources').map((resource) => [
      `${String(resource['kind'])}/${stringAt(resource, 'metadata', 'name') ?? ''}`,
      resource,
    ]),
  )
}
