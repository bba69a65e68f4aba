/** Rewrites the printed parts of the documents: `node docs/src/print.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { PARTS, withPrintedParts } from './printed-parts.ts'

for (const document of Object.keys(PARTS)) {
  const file = new URL(`../../${document}`, import.meta.url)
  writeFileSync(file, await withPrintedParts(document, readFileSync(file, 'utf8')))
}
