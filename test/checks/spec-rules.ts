/**
 * Holds SPEC files and tests together: every rule `- **G7** …` of a SPEC.md has a test whose title begins with its id,
 * and no test begins with an id that no SPEC.md has. A package's rules share one letter, so that an id names its
 * package.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TextFile {
  path: string
  text: string
}

const RULE = /^- \*\*([A-Z])(\d+)\*\* /gm
/** The first argument of a call: `test('G7 …`, `test.each(rows)('G7 G8 …`. */
const TITLE = /\(\s*['"`]((?:[A-Z]\d+[ ,]+)+)/g
const ID = /[A-Z]\d+/g

const packageOf = (path: string): string => path.split('/')[0] ?? path

export interface SpecReport {
  rules: number
  problems: string[]
}

export function matchRules(specs: readonly TextFile[], tests: readonly TextFile[]): SpecReport {
  const problems: string[] = []
  const homes = new Map<string, string>()
  const letters = new Map<string, string>()
  for (const { path, text } of specs) {
    for (const [, letter = '', number = ''] of text.matchAll(RULE)) {
      const id = `${letter}${number}`
      const home = homes.get(id)
      const name = packageOf(path)
      const owner = letters.get(letter) ?? name
      if (home !== undefined) problems.push(`${path}: ${id} is given twice (also in ${home})`)
      else if (owner !== name) problems.push(`${path}: ${letter} is the letter of ${owner}`)
      homes.set(id, path)
      letters.set(letter, owner)
    }
  }
  const cited = new Set<string>()
  for (const { path, text } of tests) {
    for (const id of [...text.matchAll(TITLE)].flatMap(([, ids = '']) => ids.match(ID) ?? [])) {
      cited.add(id)
      if (letters.has(id.slice(0, 1)) && !homes.has(id)) problems.push(`${path}: ${id} is in no SPEC.md`)
    }
  }
  for (const [id, path] of homes) if (!cited.has(id)) problems.push(`${path}: no test begins with ${id}`)
  return { rules: homes.size, problems: [...new Set(problems)] }
}

const ignored = (path: string): boolean => /(^|\/)(node_modules|\.local|dist)(\/|$)/.test(path)

export function readFiles(root: string, pattern: string): TextFile[] {
  return globSync(pattern, { cwd: root, exclude: ignored })
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

export const checkSpecRules = (root: string): SpecReport =>
  matchRules(readFiles(root, '**/SPEC.md'), readFiles(root, '**/*.test.{ts,tsx}'))
