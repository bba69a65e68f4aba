/** All checks of rendered manifests in one call; each file it calls says what it looks for. */
import { checkObject } from './object-check.ts'
import { checkReferences } from './reference-check.ts'
import { checkUrls, checkWorkloads, type ProcessSettings } from './workload-check.ts'
import type { Rendered } from './kustomize.ts'

/** Everything that is wrong, in words that name the resource. */
export function checkManifests({ resources, problems }: Rendered, processes: readonly ProcessSettings[]): string[] {
  return [
    ...problems,
    ...resources.flatMap(checkObject),
    ...checkReferences(resources),
    ...checkWorkloads(resources, processes),
    ...checkUrls(resources),
  ]
}
