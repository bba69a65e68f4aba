/**
 * The built page: made once for each state of its sources, in a folder named for a digest of them, and kept while they
 * stand. It appears there whole or not at all, so that two who build at once, or one who is killed, leave nothing half.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type ChildWatch, describeExit, runToEnd } from './child.ts'
import { repository } from './places.ts'

/** Whatever a change of could change the page: its package and those it imports, and the versions of all others. */
export const SOURCES = ['web', 'client', 'protocol', 'domain', 'machine', 'pnpm-lock.yaml', 'tsconfig.base.json']
const NO_SOURCE = /^(node_modules|dist)$|\.test\.tsx?$|\.md$/
const KEEP_UNUSED_MS = 7 * 24 * 60 * 60 * 1_000

export interface PageBuildOptions {
  /** Holds a folder for each build. */
  directory: string
  logFile: string
  watch?: ChildWatch
  /** Told before something that takes a while. */
  say?: (line: string) => void
  /** The repository, unless a test has another. */
  root?: string
}

export interface PageBuild {
  /** With index.html in it. */
  directory: string
  made: 'now' | 'before'
}

export async function buildPage(options: PageBuildOptions): Promise<PageBuild> {
  const { directory, logFile, watch, say, root = repository } = options
  const finished = join(directory, digestOf(root))
  const made = existsSync(finished) ? 'before' : 'now'
  if (made === 'now') {
    say?.('building it (its sources are new)')
    mkdirSync(directory, { recursive: true })
    await build(root, finished, logFile, watch)
  }
  const now = new Date()
  utimesSync(finished, now, now)
  removeUnused(directory, now.getTime())
  return { directory: finished, made }
}

/** The path of vite's program as `web` has it. */
export function viteOf(web: string): string {
  const manifest = createRequire(join(web, 'package.json')).resolve('vite/package.json')
  return join(dirname(manifest), 'bin', 'vite.js')
}

/** Without the file that Vite would otherwise write beside the sources to read its configuration. */
export const VITE_FLAGS = ['--configLoader', 'native', '--clearScreen', 'false']

async function build(root: string, finished: string, logFile: string, watch?: ChildWatch): Promise<void> {
  const web = join(root, 'web')
  // Of this build alone: two of one process are as apart as those of two.
  const unfinished = `${finished}.${randomUUID()}`
  const command = {
    file: process.execPath,
    args: [viteOf(web), 'build', ...VITE_FLAGS, '--outDir', unfinished, '--emptyOutDir'],
    // Not what the user's environment holds: the page is the same for everybody.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] },
    cwd: web,
  }
  try {
    const exit = await runToEnd(command, logFile, watch)
    if (exit.code !== 0) throw new Error(`the page cannot be built (${describeExit(exit)}); why is in ${logFile}`)
    renameSync(unfinished, finished)
  } catch (error) {
    // Somebody else was quicker, with the same.
    if (!existsSync(finished)) throw error
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Equal for equal sources, wherever the repository lies. */
export function digestOf(root: string): string {
  const hash = createHash('sha256')
  for (const path of SOURCES.flatMap((source) => filesUnder(join(root, source)))) {
    const text = readFileSync(path)
    hash.update(`${relative(root, path)}\0${text.length}\0`).update(text)
  }
  return hash.digest('hex').slice(0, 32)
}

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path).filter((name) => !NO_SOURCE.test(name))
  return names.toSorted().flatMap((name) => filesUnder(join(path, name)))
}

/** Builds, also halves of them, that no start has used for a while: not at once, since another system may serve one. */
function removeUnused(directory: string, now: number): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (now - statSync(path).mtimeMs > KEEP_UNUSED_MS) rmSync(path, { recursive: true, force: true })
  }
}
