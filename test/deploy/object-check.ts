/**
 * Is each resource, taken alone, something Kubernetes accepts? Two public libraries know the api:
 *
 * - @kubernetes/client-node has a map of the fields of every type: a walk along it finds misspelt fields (which a
 *   cluster would drop in silence) and versions that were removed;
 * - kubernetes-models has the schemas: required fields, enumerations, types and formats.
 *
 * reference-check.ts looks at how resources fit together, workload-check.ts at what we ask of our own.
 */
import { fieldsOf, kindOf, schemaFaults } from './kubernetes-types.ts'
import { isRecord, numberAt, stringAt, type YamlRecord } from './yaml-value.ts'

/** A resource as people name it: Deployment/api. */
export const nameOf = (resource: YamlRecord): string =>
  `${stringAt(resource, 'kind') ?? '?'}/${stringAt(resource, 'metadata', 'name') ?? '?'}`

/** What is wrong with one resource by itself. */
export function checkObject(resource: YamlRecord): string[] {
  const name = nameOf(resource)
  const kind = kindOf(resource)
  if (kind === undefined) {
    return [
      `${name}: ${stringAt(resource, 'apiVersion') ?? '?'} has no such kind, or it is not among those checked here`,
    ]
  }
  return [
    ...unknownFields(resource, kind.type, '').map((field) => `${name}: unknown field ${field}`),
    ...schemaFaults(kind.validate, resource).map((fault) => `${name}: ${fault}`),
    ...badNamesAndPorts(resource).map((fault) => `${name}: ${fault}`),
  ]
}

/**
 * Walks a value along the type's field map. Types are written `V1Pod`, `Array<V1Pod>` or `{ [key: string]: V1Pod; }`.
 */
function unknownFields(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1]
  if (list !== undefined) {
    return Array.isArray(value) ? value.flatMap((item, i) => unknownFields(item, list, `${path}[${i}]`)) : []
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1]
  if (map !== undefined) {
    return isRecord(value)
      ? Object.entries(value).flatMap(([key, item]) => unknownFields(item, map, `${path}.${key}`))
      : []
  }
  const fields = fieldsOf(type)
  if (fields === undefined || !isRecord(value)) return []
  return Object.entries(value).flatMap(([key, item]) => {
    const at = path === '' ? key : `${path}.${key}`
    const field = fields.get(key)
    return field === undefined ? [at] : unknownFields(item, field, at)
  })
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
/** Port names are at most 15 characters (RFC 6335); a longer one is refused by the server and by no schema. */
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/

function badNamesAndPorts(resource: YamlRecord): string[] {
  const faults: string[] = []
  const name = stringAt(resource, 'metadata', 'name')
  if (name === undefined || !NAME.test(name)) faults.push(`metadata.name ${String(name)} is no name`)
  visit(resource, '', (key, value, path) => {
    if (key !== 'ports' || !Array.isArray(value)) return
    for (const port of value) {
      for (const field of ['port', 'containerPort', 'targetPort']) {
        const number = numberAt(port, field)
        if (number !== undefined && (number < 1 || number > 65_535)) faults.push(`${path}: ${number} is no port`)
      }
      const portName = stringAt(port, 'name')
      if (portName !== undefined && !PORT_NAME.test(portName)) faults.push(`${path}: ${portName} is no port name`)
    }
  })
  return faults
}

function visit(value: unknown, path: string, see: (key: string, value: unknown, path: string) => void): void {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) visit(item, `${path}[${i}]`, see)
    return
  }
  if (!isRecord(value)) return
  for (const [key, item] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    see(key, item, at)
    visit(item, at, see)
  }
}
