/** Rewrites the printed parts of the README: `node docs/src/print.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { withPrintedParts } from './printed-parts.ts'

const readme = new URL('../../README.md', import.meta.url)
writeFileSync(readme, withPrintedParts(readFileSync(readme, 'utf8')))
