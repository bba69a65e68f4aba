/** What the documents of security cite is there: rules, with tests as every rule has them, files and commands. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const specs = globSync(['*/SPEC.md', 'test/*/SPEC.md', 'web/server/SPEC.md'], { cwd: root }).map(read).join('\n')
const tests = globSync(['{api,bots,client,docs,domain,gateway,infra,process,protocol,test,web}/**/*.test.ts'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
})

test.each(['SECURITY.md', 'docs/threat-model.md', 'docs/attacks.md', 'docs/keys.md'])(
  'I71 what %s cites exists',
  (path) => {
    const text = read(path)
    const cited = [...text.matchAll(/\((?<ids>[A-Z]\d+(?:, [A-Z]\d+)*)\)/g)].flatMap(
      ({ groups }) => groups?.['ids']?.split(', ') ?? [],
    )
    expect(cited.filter((id) => !specs.includes(`- **${id}**`))).toEqual([])
    const links = [...text.matchAll(/\]\((?<to>[\w./-]+)\)/g)].map(({ groups }) => groups?.['to'] ?? '')
    expect(links.filter((to) => !existsSync(join(root, path, '..', to)))).toEqual([])
    const filters = [...text.matchAll(/npm test -- --only (?:unit|int) (?<part>[\w/-]+)/g)].map(
      ({ groups }) => groups?.['part'] ?? '',
    )
    expect(filters.filter((part) => !tests.some((file) => file.includes(part)))).toEqual([])
  },
)

test('I71 each party of the threat model has what it can, what it cannot, and what shows it', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| party'))
  expect(rows.length).toBeGreaterThan(8)
  for (const row of rows) {
    const [, , can, cannot, shown] = row.split(' | ').length === 4 ? ['', ...row.split(' | ')] : []
    expect([can, cannot].every((cell) => (cell ?? '').length > 10)).toBe(true)
    expect(shown).toMatch(/npm test -- --only/)
  }
})
