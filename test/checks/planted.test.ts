/**
 * A check that never fails is worth nothing. A small workspace with the real configuration of the linter and of the
 * import check passes both; then one violation of each kind is planted in it, and each is named with its rule and file.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CheckCommand, importCheck, lintCheck } from './commands.ts'

const CLEAN = {
  'tsconfig.json': '{ "extends": "./tsconfig.base.json", "include": ["**/*.ts"] }',
  'protocol/src/index.ts': "export * from './position.ts'\n",
  'protocol/src/position.ts': 'export const version = 1\n',
  'domain/src/index.ts': "export * from './decide.ts'\n",
  'domain/src/decide.ts': 'export const decide = (now: number): number => now + 1\n',
  'api/src/main.ts': "import { decide } from '../../domain/src/index.ts'\n\nexport const first = decide(1)\n",
  'gateway/src/core/step.ts': 'export const step = (state: number): number => state\n',
  'gateway/src/core/feed/feed.ts': 'export const feed = 1\n',
  'client/src/index.ts': 'export const client = 1\n',
  'process/src/index.ts': 'export const ground = 1\n',
  'client/src/react/hook.ts': 'export const hook = 1\n',
  'test/kit/chance.ts': 'export const chance = 1\n',
  'web/src/main.ts': "import { client } from '../../client/src/index.ts'\n\nexport const page = client\n",
}

type Planted = [what: string, path: string, text: string, rule: string]

const AGAINST_THE_ARROWS: Planted[] = [
  ['the api imports the gateway', 'api/src/a1.ts', "import '../../gateway/src/core/step.ts'\n", 'api-imports-only'],
  ['the client imports the api', 'client/src/a2.ts', "import '../../api/src/main.ts'\n", 'client-imports-only'],
  [
    'a type alone crosses the arrow',
    'gateway/src/a3.ts',
    "import type { decide } from '../../domain/src/index.ts'\n\nexport type Decide = typeof decide\n",
    'gateway-imports-only',
  ],
  ['protocol imports node', 'protocol/src/a4.ts', "import 'node:fs'\n", 'protocol-needs-only-zod'],
  ['a domain imports a shell', 'domain/src/a5.ts', "import '../../api/src/main.ts'\n", 'cores-are-pure'],
  ['a core imports node', 'gateway/src/core/a6.ts', "import 'node:crypto'\n", 'cores-are-pure'],
  [
    'a room of another package is entered',
    'api/src/a7.ts',
    "import '../../protocol/src/position.ts'\n",
    'packages-meet',
  ],
  ['a barrel is used inside', 'protocol/src/a8.ts', "import './index.ts'\n", 'no-barrels-inside'],
  ['a file is not there', 'api/src/a9.ts', "import './nowhere.ts'\n", 'what-is-imported-exists'],
  ['a source imports a test', 'api/src/a10.ts', "import './some.test.ts'\n", 'sources-do-not-import-tests'],
  [
    'one machine of a gateway knows another',
    'gateway/src/core/presence/a13.ts',
    "import '../feed/feed.ts'\n",
    'machines-of-a-gateway',
  ],
  [
    'a client that needs its cache',
    'client/src/sync/a14.ts',
    "import '@tanstack/react-query'\n",
    'client-needs-react-and-its-cache',
  ],
  [
    'a client that needs React',
    'client/src/a15.ts',
    "import type {} from 'react'\n",
    'client-needs-react-and-its-cache',
  ],
  [
    'a client that needs its hooks',
    'client/src/a16.ts',
    "import './react/hook.ts'\n",
    'client-needs-react-and-its-cache',
  ],
  [
    'SQL outside of its room',
    'api/src/http/a17.ts',
    "import type {} from 'postgres'\n",
    'api-speaks-to-postgres-through-one-room',
  ],
  [
    'tables outside of their room',
    'api/src/a18.ts',
    "import 'drizzle-orm/pg-core'\n",
    'api-speaks-to-postgres-through-one-room',
  ],
  [
    'the ground of the processes knows one of them',
    'process/src/a17.ts',
    "import '../../api/src/main.ts'\n",
    'process-imports-only',
  ],
  [
    'the api knows a gateway by the ground they share',
    'process/src/a18.ts',
    "import type {} from '../../gateway/src/core/step.ts'\n",
    'process-imports-only',
  ],
  [
    'an api that connects to Redis in its own way',
    'api/src/a19.ts',
    "import { Redis } from 'ioredis'\n\nexport const redis = new Redis()\n",
    'whoever-connects-to-redis',
  ],
  [
    'the kit of tests knows a package',
    'test/kit/a17.ts',
    "import '../../api/src/main.ts'\n",
    'kit-knows-only-contract-and-ground',
  ],
  ['two files import each other', 'api/src/a11.ts', "import './a12.ts'\n", 'no-cycles'],
]

const AGAINST_THE_RULES: Planted[] = [
  [
    'a floating promise',
    'api/src/b1.ts',
    'export const x = (f: () => Promise<void>): void => {\n  f()\n}\n',
    'no-floating',
  ],
  ['any', 'api/src/b2.ts', 'export const x = (y: any): unknown => y\n', 'no-explicit-any'],
  [
    'a switch that forgets a case',
    'api/src/b3.ts',
    "export function x(y: 'a' | 'b'): number {\n  switch (y) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n",
    'switch-exhaustiveness-check',
  ],
  ['console', 'api/src/b4.ts', "export const x = (): void => console.log('x')\n", 'no-console'],
  [
    'a swallowed error',
    'api/src/b5.ts',
    'export const x = (f: () => void): void => {\n  try {\n    f()\n  } catch {}\n}\n',
    'no-empty',
  ],
  ['a file that grew too long', 'api/src/b6.ts', `export const x = [\n${'  1,\n'.repeat(320)}]\n`, 'max-lines'],
  ['the clock in a domain', 'domain/src/b7.ts', 'export const x = (): number => Date.now()\n', 'no-restricted-prop'],
  [
    'chance in a core',
    'gateway/src/core/b8.ts',
    'export const x = (): number => Math.random()\n',
    'no-restricted-prop',
  ],
  [
    'the environment in a core',
    'gateway/src/core/b9.ts',
    "export const x = process.env['X']\n",
    'no-restricted-globals',
  ],
  [
    'a timer in a core',
    'gateway/src/core/b10.ts',
    'export const x = setTimeout(() => 1, 1)\n',
    'no-restricted-globals',
  ],
  ['a silenced compiler', 'api/src/b11.ts', '// @ts-ignore\nexport const x: string = 1\n', 'ban-ts-comment'],
  [
    'a cast that hides',
    'api/src/b12.ts',
    'export const x = (y: unknown): string => y as string\n',
    'no-unsafe-type-assert',
  ],
  ['work put off', 'api/src/b13.ts', '// TODO later\nexport const x = 1\n', 'no-warning-comments'],
]

let workspace = ''

function write(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true })
  writeFileSync(join(workspace, path), text)
}

interface Outcome {
  failed: boolean
  lines: string[]
}

function outcomeOf({ file, args }: CheckCommand): Outcome {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: workspace, encoding: 'utf8' })
  return { failed: status !== 0, lines: `${stdout}${stderr}`.split('\n') }
}

const imports = (): Outcome =>
  outcomeOf(importCheck(['domain', 'api', 'gateway', 'client', 'web', 'protocol', 'process', 'test']))
/** One line for each finding. */
const lint = (): Outcome => outcomeOf({ ...lintCheck(), args: [...lintCheck().args, '--format=unix'] })

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'rhizom-planted-'))
  for (const file of ['.oxlintrc.json', '.dependency-cruiser.mjs', 'tsconfig.base.json', 'package.json'])
    copyFileSync(join(repository, file), join(workspace, file))
  symlinkSync(join(repository, 'node_modules'), join(workspace, 'node_modules'))
  for (const [path, text] of Object.entries(CLEAN)) write(path, text)
})
afterAll(() => rmSync(workspace, { recursive: true, force: true }))

/** Two tools are started, on a machine that may be busy. */
const TIMEOUT_MS = 60_000

test('a clean workspace passes', { timeout: TIMEOUT_MS }, () => {
  expect(imports()).toMatchObject({ failed: false })
  expect(lint()).toMatchObject({ failed: false })
})

describe('with one violation of each kind', () => {
  let found: Record<'imports' | 'lint', Outcome>
  beforeAll(() => {
    write('api/src/some.test.ts', 'export const some = 1\n')
    write('api/src/a12.ts', "import './a11.ts'\n")
    for (const [, path, text] of [...AGAINST_THE_ARROWS, ...AGAINST_THE_RULES]) write(path, text)
    found = { imports: imports(), lint: lint() }
  }, TIMEOUT_MS)

  test.each(AGAINST_THE_ARROWS)('the import check fails where %s', (_what, path, _text, rule) => {
    expect(found.imports.failed).toBe(true)
    expect(found.imports.lines.filter((line) => line.includes(`error ${rule}`) && line.includes(path))).not.toEqual([])
  })

  test.each(AGAINST_THE_RULES)('the linter fails on %s', (_what, path, _text, rule) => {
    expect(found.lint.failed).toBe(true)
    expect(found.lint.lines.filter((line) => line.startsWith(`${path}:`) && line.includes(rule))).not.toEqual([])
  })
})
