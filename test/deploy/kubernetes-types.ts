/**
 * The two libraries that know the Kubernetes api, behind one small interface: the kinds these manifests may use,
 * the fields of each type, and what the schema of a kind says about a resource. A kind is added here when a manifest
 * needs it; one that is not here is reported, so that nothing goes unchecked.
 */
import * as generatedTypes from '@kubernetes/client-node/dist/gen/models/all.js'
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'
import { validate as horizontalPodAutoscaler } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler'
import { validate as job } from 'kubernetes-models/_schemas/IoK8sApiBatchV1Job'
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace'
import { validate as secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret'
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service'
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy'
import { validate as podDisruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'
import { isRecord, recordAt, stringAt, type YamlRecord } from './yaml-value.ts'

type Validate = (resource: unknown) => boolean

interface Kind {
  /** The name of its type in the field maps. */
  type: string
  validate: Validate
}

const KINDS: Readonly<Record<string, Kind>> = {
  'apps/v1 Deployment': { type: 'V1Deployment', validate: deployment },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    type: 'V2HorizontalPodAutoscaler',
    validate: horizontalPodAutoscaler,
  },
  'batch/v1 Job': { type: 'V1Job', validate: job },
  'networking.k8s.io/v1 NetworkPolicy': { type: 'V1NetworkPolicy', validate: networkPolicy },
  'policy/v1 PodDisruptionBudget': { type: 'V1PodDisruptionBudget', validate: podDisruptionBudget },
  'v1 ConfigMap': { type: 'V1ConfigMap', validate: configMap },
  'v1 Namespace': { type: 'V1Namespace', validate: namespace },
  'v1 Secret': { type: 'V1Secret', validate: secret },
  'v1 Service': { type: 'V1Service', validate: service },
}

export const kindOf = (resource: YamlRecord): Kind | undefined =>
  KINDS[`${stringAt(resource, 'apiVersion') ?? ''} ${stringAt(resource, 'kind') ?? ''}`]

/** What the schema of a kind says is wrong with a resource. */
export function schemaFaults(validate: Validate, resource: YamlRecord): string[] {
  if (validate(resource)) return []
  const errors: unknown = 'errors' in validate ? validate.errors : undefined
  if (!Array.isArray(errors)) return ['does not fit its schema']
  return errors.map((error: unknown) => {
    const path = stringAt(error, 'instancePath') ?? ''
    return `${path} fails "${stringAt(error, 'keyword') ?? '?'}" ${JSON.stringify(recordAt(error, 'params'))}`
  })
}

const typesByName = new Map<string, unknown>(Object.entries(generatedTypes))

/** The fields of a type with their types, or undefined for a plain value such as `string` or `IntOrString`. */
export function fieldsOf(type: string): ReadonlyMap<string, string> | undefined {
  const found = typesByName.get(type)
  if (typeof found !== 'function' || !('attributeTypeMap' in found) || !Array.isArray(found.attributeTypeMap)) {
    return undefined
  }
  return new Map(
    found.attributeTypeMap.filter(isRecord).map((field) => [String(field['baseName']), String(field['type'])]),
  )
}
