/** Rewrites the checks of the schemas: `node protocol/print/print.ts`. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { printChecks } from './print-checks.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const file = at('../src/checks/printed.ts')

writeFileSync(file, printChecks())
execFileSync(at('../../node_modules/.bin/biome'), ['format', '--write', file], { stdio: 'inherit' })
