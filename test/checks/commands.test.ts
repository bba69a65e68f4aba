/** The solution at the top: an editor and one command see all packages through it, so it must name them all. */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { PACKAGES, typeCheck } from './commands.ts'

const solutionSchema = z.object({
  files: z.array(z.string()).length(0),
  references: z.array(z.object({ path: z.string() })),
})
const programSchema = z.object({
  compilerOptions: z.object({ lib: z.array(z.string()).default(['es2024']) }).default({ lib: ['es2024'] }),
  include: z.array(z.string()),
})

const read = <T>(path: string, schema: z.ZodType<T>): T =>
  schema.parse(JSON.parse(readFileSync(join(repository, path), 'utf8')))

/** What a program of the compiler reads, from the top. */
function readsOf(path: string): { paths: string[]; lib: string[] } {
  const { include, compilerOptions } = read(path, programSchema)
  return { paths: include.map((one) => join(dirname(path), one)), lib: compilerOptions.lib }
}

test('the programs of the solution read what every folder has the compiler read, with the library of the folder', () => {
  const { references } = read('tsconfig.json', solutionSchema)
  const programs = references.map(({ path }) => readsOf(path.endsWith('.json') ? path : join(path, 'tsconfig.json')))
  const folders = globSync('*/tsconfig.json', { cwd: repository })
  for (const { paths, lib } of folders.map(readsOf)) {
    const whole = programs.filter((program) => paths.every((path) => program.paths.includes(path)))
    expect(whole.map((program) => program.lib)).toEqual([lib])
  }
  expect(folders.map((path) => dirname(path)).sort()).toEqual([...PACKAGES].sort())
})

let workspace = ''
afterEach(() => rmSync(workspace, { recursive: true, force: true }))

test('one command finds a fault of types in any of the packages', { timeout: 300_000 }, () => {
  workspace = mkdtempSync(join(tmpdir(), 'rhizom-types-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true })
    writeFileSync(join(workspace, path), text)
  }
  copyFileSync(join(repository, 'tsconfig.base.json'), join(workspace, 'tsconfig.base.json'))
  write('tsconfig.json', '{ "files": [], "references": [{ "path": "one" }, { "path": "two" }] }')
  for (const name of ['one', 'two']) {
    const options = '{ "types": [] }'
    write(`${name}/tsconfig.json`, `{ "extends": "../tsconfig.base.json", "compilerOptions": ${options} }`)
    write(`${name}/package.json`, '{ "type": "module" }')
    write(`${name}/index.ts`, 'export const count: number = 1\n')
  }
  const check = () => spawnSync(typeCheck().file, typeCheck().args, { cwd: workspace, encoding: 'utf8' })
  expect(check().status).toBe(0)
  write('two/index.ts', "export const count: number = 'one'\n")
  // A change within the same tick of the file system's clock is none to the compiler.
  const later = new Date(Date.now() + 2_000)
  utimesSync(join(workspace, 'two/index.ts'), later, later)
  const { status, stdout } = check()
  expect(status).not.toBe(0)
  expect(stdout).toContain('two/index.ts')
})
