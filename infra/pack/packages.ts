/** The packages that are published, each after those that it needs, and how they are packed. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { repository } from '../local/places.ts'

const manifestSchema = z.object({
  name: z.string(),
  publishConfig: z.object({}).optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
})

export interface PublishedPackage {
  name: string
  folder: string
  needs: readonly string[]
}

/** Those that have a `publishConfig`. */
export function publishedPackages(): PublishedPackage[] {
  const found = globSync('*/package.json', { cwd: repository }).flatMap((path) => {
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(repository, path), 'utf8')))
    if (manifest.publishConfig === undefined) return []
    return [{ name: manifest.name, folder: join(repository, path, '..'), needs: Object.keys(manifest.dependencies) }]
  })
  const names = new Set(found.map(({ name }) => name))
  const sorted: PublishedPackage[] = []
  const isReady = ({ needs }: PublishedPackage): boolean =>
    needs.every((need) => !names.has(need) || sorted.some(({ name }) => name === need))
  for (let left = found; left.length > 0; left = left.filter((one) => !sorted.includes(one))) {
    const ready = left.filter(isReady)
    if (ready.length === 0) throw new Error(`these need each other: ${left.map(({ name }) => name).join(', ')}`)
    sorted.push(...ready)
  }
  return sorted
}

/** Builds and packs them; resolves with the files, by the names of the packages. */
export function packAll(directory: string): ReadonlyMap<string, string> {
  mkdirSync(directory, { recursive: true })
  return new Map(
    publishedPackages().map(({ name, folder }) => {
      const output = execFileSync('pnpm', ['pack', '--json', '--pack-destination', directory], { cwd: folder })
      const { filename } = z.object({ filename: z.string() }).parse(JSON.parse(output.toString()))
      return [name, filename]
    }),
  )
}
