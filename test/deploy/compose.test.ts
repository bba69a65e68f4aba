import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settings as apiSettings } from '@rhizom/api'
import { settings as gatewaySettings } from '@rhizom/gateway'
import { lastOf, parseDockerfile } from './dockerfile.ts'
import { processSettings } from './process-settings.ts'
import { parseYaml, readYaml, recordAt, stringAt, stringsAt, valueAt, type YamlRecord } from './yaml-value.ts'

const docker = join(import.meta.dirname, '../../infra/docker')
const { documents, problems } = readYaml(join(docker, 'compose.yaml'))
const services = recordAt(documents[0], 'services')
const service = (name: string): YamlRecord => recordAt(services, name)
const names = Object.keys(services)
const built = names.filter((name) => service(name)['build'] !== undefined)

const drainMs = Number(gatewaySettings.DRAIN_GRACE_MS.default)
const processes = [
  processSettings('rhizom-api', apiSettings, Number(apiSettings.STOP_TIMEOUT_MS.default)),
  processSettings('rhizom-gateway', gatewaySettings, drainMs),
]
const processOf = (name: string) => processes.find((each) => each.image === service(name)['image'])

const imageOf = (name: string) => {
  const path = join(
    docker,
    stringAt(service(name), 'build', 'context') ?? '',
    stringAt(service(name), 'build', 'dockerfile') ?? '',
  )
  const stage = parseDockerfile(readFileSync(path, 'utf8')).at(-1)
  if (stage === undefined) throw new Error(`${path} has no stage`)
  return stage
}

describe('compose.yaml', () => {
  it('K20 has unique keys and the parts of the picture: Postgres, Redis, one api, two gateways, the web', () => {
    expect(problems).toEqual([])
    expect(names.toSorted()).toEqual(['api', 'gateway-1', 'gateway-2', 'migrate', 'postgres', 'redis', 'web'])
  })

  it('K20 a key given twice is found', () => {
    expect(parseYaml('services:\n  api:\n    image: a\n  api:\n    image: b\n', 'compose').problems).not.toEqual([])
  })

  it.each(built)('K21 %s is built from files that exist', (name) => {
    const context = join(docker, stringAt(service(name), 'build', 'context') ?? 'missing')
    expect(existsSync(join(context, 'pnpm-workspace.yaml'))).toBe(true)
    expect(existsSync(join(context, stringAt(service(name), 'build', 'dockerfile') ?? 'missing'))).toBe(true)
  })

  it.each(names)('K22 %s waits for services that exist, in a state that they can reach', (name) => {
    for (const [other, how] of Object.entries(recordAt(service(name), 'depends_on'))) {
      expect(names).toContain(other)
      const condition = stringAt(how, 'condition')
      if (condition === 'service_healthy') {
        const own = service(other)['healthcheck'] !== undefined
        expect(own || lastOf(imageOf(other), 'HEALTHCHECK') !== undefined, `${other} has a health check`).toBe(true)
      } else {
        expect(condition).toBe('service_completed_successfully')
        expect(service(other)['restart']).toBe('no')
      }
    }
  })

  it.each(built.filter((name) => processOf(name) !== undefined))(
    'K23 %s gets the settings its process reads',
    (name) => {
      const settings = processOf(name)
      const given = Object.keys(recordAt(service(name), 'environment'))
      expect(given.filter((variable) => settings?.known.has(variable) !== true)).toEqual([])
      if (service(name)['command'] !== undefined) return
      const fromImage = imageOf(name).instructions.flatMap((each) =>
        each.instruction === 'ENV' ? Object.keys(each.values) : [],
      )
      const missing = (settings?.required ?? []).filter(
        (names) => ![...given, ...fromImage].some((one) => names.includes(one)),
      )
      expect(missing).toEqual([])
    },
  )

  it.each(['api', 'gateway-1', 'gateway-2', 'web'])('K23 %s listens where its image says', (name) => {
    expect(stringAt(service(name), 'environment', 'PORT')).toBe(String(lastOf(imageOf(name), 'EXPOSE')?.port))
  })

  it.each(names)('K24 the addresses that %s is given are those of services', (name) => {
    for (const value of Object.values(recordAt(service(name), 'environment'))) {
      const target = /^(?:\w+:\/\/)?([a-z][a-z0-9-]*):(\d+)$/.exec(String(value))
      if (target === null) continue
      const [, host = '', port] = target
      const reached = names.filter(
        (other) => other === host || stringsAt(service(other), 'networks', 'default', 'aliases').includes(host),
      )
      expect(reached, host).not.toEqual([])
      for (const other of reached) {
        const ports = ['PORT', 'INTERNAL_PORT'].map((variable) => stringAt(service(other), 'environment', variable))
        expect(other === 'redis' ? ['6379'] : ports).toContain(port)
      }
    }
  })

  it('K25 both gateways answer to one name, which the web server is given', () => {
    const sharing = names.filter((name) =>
      stringsAt(service(name), 'networks', 'default', 'aliases').includes('gateway'),
    )
    expect(sharing).toEqual(['gateway-1', 'gateway-2'])
    expect(stringAt(service('web'), 'environment', 'GATEWAY_UPSTREAM')).toBe('gateway:8081')
  })

  it('K71 a gateway is given what verifies sessions and nothing that signs them', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      const given = Object.keys(recordAt(service(name), 'environment'))
      expect(given).toContain('TOKEN_PUBLIC_KEYS')
      for (const signs of ['TOKEN_KEYS', 'TOKEN_SECRET']) expect(given).not.toContain(signs)
    }
  })

  it('K26 every secret is asked for by name and listed in the example file, without a value', () => {
    const text = readFileSync(join(docker, 'compose.yaml'), 'utf8')
    const asked = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]))
    const example = readFileSync(join(docker, 'secrets.env.example'), 'utf8')
    const listed = new Map([...example.matchAll(/^(\w+)=(.*)$/gm)].map((match) => [match[1], match[2]]))
    expect(new Set(listed.keys())).toEqual(asked)
    for (const [name, value] of listed) if (name !== 'DATABASE_URL') expect(value).toBe('')
    expect(text).not.toMatch(/(SECRET|TOKEN|KEYS|PASSWORD): (?!\$\{)/)
  })

  it('K27 only the web server is reachable from outside, and gateways may drain before they are killed', () => {
    expect(names.filter((name) => service(name)['ports'] !== undefined)).toEqual(['web'])
    for (const name of ['gateway-1', 'gateway-2']) {
      expect(Number.parseInt(String(valueAt(service(name), 'stop_grace_period')), 10) * 1000).toBeGreaterThan(drainMs)
    }
  })
})
