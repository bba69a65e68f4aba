/**
 * What the formatter does not see: comments that run past the edge, and comments that name files which are not there.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const MAX_COLUMNS = 120
const COMMENT = /^\s*(?:\/\*\*|\*|\/\/)/
/** A file as comments name one: `state.ts`, `core/feed/feed.ts`. Endings alone (`.test.ts`) are none. */
const NAMED = /(?<![\w.*{-])[\w/-][\w/.-]*\.(?:tsx?|mjs|sh|md)\b/g

export interface SourceFile {
  path: string
  text: string
}

/** The faults of the comments in `sources`; `paths` are all files that there are. */
export function commentFaults(sources: readonly SourceFile[], paths: readonly string[]): string[] {
  const names = new Set(paths.map((path) => basename(path)))
  const isThere = (named: string): boolean =>
    named.includes('/') ? paths.some((path) => path.endsWith(named)) : names.has(named)
  return sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      if (!COMMENT.test(line)) return []
      const where = `${path}:${index + 1}`
      const missing = [...line.matchAll(NAMED)].map(([named]) => named).filter((named) => !isThere(named))
      return [
        ...(line.length > MAX_COLUMNS ? [`${where}: a comment of ${line.length} columns`] : []),
        ...missing.map((named) => `${where}: names ${named}, which is not there`),
      ]
    }),
  )
}

const ignored = (path: string): boolean => /(^|\/)(node_modules|\.local|\.git|dist|migrations)(\/|$)/.test(path)

export function checkComments(root: string): string[] {
  const paths = globSync('**/*', { cwd: root, exclude: ignored }).map((path) => path.replaceAll('\\', '/'))
  const sources = paths
    .filter((path) => /\.(tsx?|mjs)$/.test(path))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
  return commentFaults(sources, paths)
}
