/**
 * A copy of the parts that the simulation runs, with one of them spoilt. Nothing of the repository itself is touched:
 * sources are copied, patched, and their packages' dependencies linked beside them, so that plain Node can run the
 * copy's own simulation.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutant } from './mutants.ts'

const PARTS = ['machine', 'protocol', 'domain', 'gateway', 'client', 'test'] as const
const SOURCES = {
  machine: 'src',
  protocol: 'src',
  domain: 'src',
  gateway: 'src',
  client: 'src',
  test: 'simulation',
} as const

const isSource = (path: string): boolean => !/\.test\.tsx?$/.test(path)

/** Makes the copy below `directory`, which must not exist. */
export function spoiltCopy(repository: string, directory: string, { file, find, put }: Mutant): void {
  for (const part of PARTS) {
    const from = join(repository, part)
    const to = join(directory, part)
    cpSync(join(from, SOURCES[part]), join(to, SOURCES[part]), { recursive: true, filter: isSource })
    cpSync(join(from, 'package.json'), join(to, 'package.json'))
    linkDependencies(join(from, 'node_modules'), join(to, 'node_modules'), directory)
  }
  const target = join(directory, file)
  const text = readFileSync(target, 'utf8')
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`${file} holds ${times} times, not once: ${find}`)
  writeFileSync(
    target,
    text.replace(find, () => put),
  )
}

export const removeCopy = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** Every dependency as it is, but our own packages from the copy. */
function linkDependencies(from: string, to: string, directory: string): void {
  mkdirSync(to, { recursive: true })
  if (!existsSync(from)) return
  for (const name of readdirSync(from)) {
    if (name.startsWith('.')) continue
    if (name !== '@rhizom') symlinkSync(join(from, name), join(to, name))
    else for (const own of readdirSync(join(from, name))) linkOwn(join(to, name, own), join(directory, own))
  }
}

function linkOwn(link: string, target: string): void {
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(target, link)
}
