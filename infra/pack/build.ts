/**
 * Builds the package of the current folder into `dist`, for those who install it: JavaScript and declarations. Run by
 * `pnpm pack`; inside of the workspace the sources are used as they are. The packages that it needs are built before.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../local/places.ts'

const SPECIFIER = /(\bfrom |\bimport\()(['"])(\.{1,2}\/[^'"]*)\.tsx?\2/g

rmSync('dist', { recursive: true, force: true })
execFileSync(join(repository, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// The compiler writes `.js` for `.ts` in what it emits, but in declarations, which not every tool understands.
for (const path of globSync('dist/**/*.d.ts'))
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(SPECIFIER, '$1$2$3.js$2'))
