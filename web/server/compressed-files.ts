/** Beside each file of a build that is worth it, the same compressed: page-files.ts sends that to whoever takes it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const WORTH_IT = /\.(js|css|html|svg)$/
/** One packet holds as much either way. */
const LEAST_BYTES = 1_400

export function compressed(): Plugin {
  return {
    name: 'rhizom:compressed',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      await Promise.all(Object.keys(bundle).map((name) => compress(join(dir, name))))
    },
  }
}

async function compress(path: string): Promise<void> {
  if (!WORTH_IT.test(path)) return
  const bytes = await readFile(path)
  if (bytes.length < LEAST_BYTES) return
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }))
}
