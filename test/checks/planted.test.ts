/**
 * A check that never fails is worth nothing. Each case plants one violation in a small copy of the workspace and sees that
 * the real configuration of the linter or of the import check names it; the same workspace without it passes.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { importCheck, lintCheck } from './commands.ts'

let workspace = ''

const CLEAN: Record<string, string> = {
  'tsconfig.json': '{ "extends": "./tsconfig.base.json", "include": ["**/*.ts"] }',
  'protocol/src/index.ts': "export * from './position.ts'\n",
  'protocol/src/position.ts': 'export const version = 1\n',
  'api/src/domain/decide.ts': 'export const decide = (now: number): number => now + 1\n',
  'api/src/main.ts': "import { decide } from './domain/decide.ts'\n\nexport const first = decide(1)\n",
  'gateway/src/core/step.ts': 'export const step = (state: number): number => state\n',
  'client/src/index.ts': 'export const client = 1\n',
  'web/src/main.ts': "import { client } from '../../client/src/index.ts'\n\nexport const page = client\n",
}

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'rhizom-planted-'))
  for (const file of ['.oxlintrc.json', '.dependency-cruiser.mjs', 'tsconfig.base.json', 'package.json'])
    copyFileSync(join(repository, file), join(workspace, file))
  symlinkSync(join(repository, 'node_modules'), join(workspace, 'node_modules'))
  write(CLEAN)
})
afterEach(() => rmSync(workspace, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true })
    writeFileSync(join(workspace, path), text)
  }
}

function outcomeOf({ file, args }: { file: string; args: string[] }): { failed: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: workspace, encoding: 'utf8' })
  return { failed: status !== 0, output: stdout + stderr }
}

test('a clean workspace passes both', () => {
  expect(outcomeOf(importCheck(['api', 'gateway', 'client', 'web', 'protocol']))).toMatchObject({ failed: false })
  expect(outcomeOf(lintCheck())).toMatchObject({ failed: false })
})

test.each([
  ['the api imports the gateway', 'api/src/x.ts', "import '../../gateway/src/core/step.ts'\n", 'api-imports-only'],
  ['the client imports the api', 'client/src/x.ts', "import '../../api/src/main.ts'\n", 'client-imports-only'],
  [
    'a type alone crosses the arrow',
    'gateway/src/x.ts',
    "import type { decide } from '../../api/src/domain/decide.ts'\n\nexport type Decide = typeof decide\n",
    'gateway-imports-only',
  ],
  ['protocol imports node', 'protocol/src/x.ts', "import 'node:fs'\n", 'protocol-needs-only-zod'],
  ['a domain imports a shell', 'api/src/domain/x.ts', "import '../main.ts'\n", 'cores-are-pure'],
  ['a core imports node', 'gateway/src/core/x.ts', "import 'node:crypto'\n", 'cores-are-pure'],
  ['a room of another package', 'api/src/x.ts', "import '../../protocol/src/position.ts'\n", 'packages-meet'],
  ['a barrel is used inside', 'protocol/src/x.ts', "import './index.ts'\n", 'no-barrels-inside'],
  ['a file that is not there', 'api/src/x.ts', "import './nowhere.ts'\n", 'what-is-imported-exists'],
  ['a source imports a test', 'api/src/x.ts', "import './y.test.ts'\n", 'sources-do-not-import-tests'],
])('the import check fails when %s', (_name, path, text, rule) => {
  write({ 'api/src/y.test.ts': 'export const y = 1\n', [path]: text })
  const { failed, output } = outcomeOf(importCheck(['api', 'gateway', 'client', 'web', 'protocol']))
  expect(output).toContain(rule)
  expect(failed).toBe(true)
})

test('the import check fails on a cycle', () => {
  write({
    'api/src/a.ts': "import { b } from './b.ts'\n\nexport const a = (): number => b()\n",
    'api/src/b.ts': "import { a } from './a.ts'\n\nexport const b = (): number => a()\n",
  })
  const { failed, output } = outcomeOf(importCheck(['api']))
  expect(output).toContain('no-cycles')
  expect(failed).toBe(true)
})

test.each([
  [
    'a floating promise',
    'api/src/x.ts',
    'export const x = (f: () => Promise<void>): void => {\n  f()\n}\n',
    'no-floating',
  ],
  ['any', 'api/src/x.ts', 'export const x = (y: any): unknown => y\n', 'no-explicit-any'],
  [
    'a switch that forgets a case',
    'api/src/x.ts',
    "export function x(y: 'a' | 'b'): number {\n  switch (y) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n",
    'switch-exhaustiveness-check',
  ],
  ['console', 'api/src/x.ts', "export const x = (): void => console.log('x')\n", 'no-console'],
  [
    'an empty catch',
    'api/src/x.ts',
    'export const x = (f: () => void): void => {\n  try {\n    f()\n  } catch {}\n}\n',
    'no-empty',
  ],
  ['a file that grew too long', 'api/src/x.ts', 'export const x = [\n' + '  1,\n'.repeat(320) + ']\n', 'max-lines'],
  [
    'the clock in a domain',
    'api/src/domain/x.ts',
    'export const x = (): number => Date.now()\n',
    'no-restricted-properties',
  ],
  [
    'chance in a core',
    'gateway/src/core/x.ts',
    'export const x = (): number => Math.random()\n',
    'no-restricted-properties',
  ],
  [
    'the environment in a core',
    'gateway/src/core/x.ts',
    "export const x = process.env['X']\n",
    'no-restricted-globals',
  ],
  ['a timer in a core', 'gateway/src/core/x.ts', 'export const x = setTimeout(() => 1, 1)\n', 'no-restricted-globals'],
  ['a silenced compiler', 'api/src/x.ts', '// @ts-ignore\nexport const x: string = 1\n', 'ban-ts-comment'],
])('the linter fails on %s', (_name, path, text, rule) => {
  write({ [path]: text })
  const { failed, output } = outcomeOf(lintCheck())
  expect(output).toContain(rule)
  expect(failed).toBe(true)
})
