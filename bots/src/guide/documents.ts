/** The documents of rhizom itself, from which the guide answers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Document } from '../core/sections.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const PACKAGES = ['protocol', 'domain', 'api', 'gateway', 'client', 'bots', 'web', 'infra']

/** What is not there, as in an image that holds one package, is left out. */
export function readDocuments(root = repository): Document[] {
  const inFolder = (folder: string): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((name) => name.endsWith('.md'))
          .map((name) => `${folder}/${name}`)
      : []
  const files = [
    'README.md',
    'CONTRIBUTING.md',
    ...inFolder('docs'),
    ...inFolder('docs/adr'),
    ...PACKAGES.map((name) => `${name}/SPEC.md`),
  ]
  return files
    .filter((file) => existsSync(join(root, file)))
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}
