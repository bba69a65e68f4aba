/**
 * One word for one idea: a name that two packages export has to mean the same in both. Those that do are listed here
 * with what they mean; any other name that is exported twice is a fault, also by two files of one package.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const EXPORTED = /^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm

/** Names that several packages use for one and the same idea. */
export const SHARED: Readonly<Record<string, string>> = {
  ClientSocket: 'the WebSocket between a client and a gateway, seen from its end',
  ConnectionState: 'what a connection between a client and a gateway can be, seen from its end',
  ConnectionEvent: 'what happens to it',
  ConnectionEffect: 'what is to be done for it',
  connectionMachine: 'its machine',
  Config: 'the settings of a process, parsed',
  parseConfig: 'parses them',
  settings: 'the table of them',
  mayRead: 'whether a being may read a space',
  Metrics: 'what a process measures',
  createMetrics: 'makes its registry',
}

export interface ExportedName {
  package: string
  name: string
  path: string
}

export function nameFaults(exported: readonly ExportedName[], shared: Readonly<Record<string, string>>): string[] {
  const homes = new Map<string, Map<string, string>>()
  for (const { package: home, name, path } of exported)
    homes.set(name, (homes.get(name) ?? new Map<string, string>()).set(home, path))
  const twice = [...homes].filter(([, places]) => places.size > 1)
  const elsewhere = exported.filter(({ package: home, name, path }) => homes.get(name)?.get(home) !== path)
  return [
    ...elsewhere.map(
      ({ name, path }) => `${name} of ${path} is exported by another file of its package: one meaning each`,
    ),
    ...twice
      .filter(([name]) => shared[name] === undefined)
      .map(([name, places]) => `${name} is exported by ${[...places.values()].join(' and ')}: one meaning each`),
    ...Object.keys(shared)
      .filter((name) => !twice.some(([other]) => other === name))
      .map((name) => `${name} is listed as shared and is not`),
  ]
}

const PRODUCT = ['machine', 'process', 'protocol', 'domain', 'api', 'gateway', 'client', 'web']

export function checkNames(root: string): string[] {
  const files = globSync(`{${PRODUCT.join(',')}}/src/**/*.{ts,tsx}`, { cwd: root }).filter(
    (path) => !/\.test\.tsx?$|\/testing\//.test(path),
  )
  const exported = files.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(EXPORTED)].map(([, name = '']) => ({
      package: path.split('/')[0] ?? path,
      name,
      path,
    })),
  )
  return nameFaults(exported, SHARED)
}
