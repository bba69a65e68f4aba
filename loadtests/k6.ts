/**
 * Finds k6 or builds it: the `K6` variable, a k6 on PATH, one built before, else `go install` of the pinned version
 * into the project's own cache. k6 is a Go program and no npm package brings it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const K6_VERSION = 'v1.8.1'
/** Runs TypeScript as it is and has the stable `k6/websockets`. */
const OLDEST_MAJOR = 1

export interface K6Search {
  /** The value of the variable `K6`. */
  named: string | undefined
  cacheFolder: string
  say: (text: string) => void
  /** Whether to build one where none is found, which takes minutes. */
  mayBuild: boolean
}

export type FoundK6 = { ok: true; program: string; version: string } | { ok: false; problem: string }

export const WAYS = `There are three ways to have it:
  - install k6 ${OLDEST_MAJOR}.0 or later so that it is on PATH (https://grafana.com/docs/k6/latest/set-up/install-k6/)
  - name a k6 program in the variable K6
  - install Go 1.25 or later: then the load test builds k6 ${K6_VERSION} by itself, once`

/** A k6 that runs, or why there is none. */
export async function findK6(search: K6Search): Promise<FoundK6> {
  if (search.named !== undefined && search.named !== '') {
    const version = versionOf(search.named)
    return version === undefined
      ? { ok: false, problem: `K6 names ${search.named}, which is no k6 ${OLDEST_MAJOR}.0 or later.` }
      : { ok: true, program: search.named, version }
  }
  const folder = join(search.cacheFolder, K6_VERSION)
  for (const program of ['k6', join(folder, 'k6')]) {
    const version = versionOf(program)
    if (version !== undefined) return { ok: true, program, version }
  }
  return search.mayBuild ? build(folder, search.say) : { ok: false, problem: `k6 is not here.\n${WAYS}` }
}

/** The version that a program says it is, if it is a k6 that can run our scenarios. */
function versionOf(program: string): string | undefined {
  const { status, stdout } = spawnSync(program, ['version'], { encoding: 'utf8', timeout: 10_000 })
  return status === 0 ? readVersion(stdout) : undefined
}

/** Reads `k6 v1.8.1 (go1.26, linux/amd64)`. */
export function readVersion(text: string): string | undefined {
  const found = /^k6(?:\.exe)? v((\d+)\.\d+\.\d+\S*)/.exec(text)
  return found?.[1] !== undefined && Number(found[2]) >= OLDEST_MAJOR ? found[1] : undefined
}

async function build(folder: string, say: (text: string) => void): Promise<FoundK6> {
  if (spawnSync('go', ['version']).status !== 0)
    return { ok: false, problem: `k6 is not here, and neither is Go.\n${WAYS}` }
  say(`building k6 ${K6_VERSION} with Go, once; this takes a few minutes`)
  // Built beside its place and moved there whole: what is in the cache is always complete.
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const fault = await goInstall(unfinished, say)
  if (fault === undefined && !existsSync(folder)) renameSync(unfinished, folder)
  rmSync(unfinished, { recursive: true, force: true })
  if (fault !== undefined) return { ok: false, problem: `k6 could not be built: ${fault}\n${WAYS}` }
  const program = join(folder, 'k6')
  const version = versionOf(program)
  return version === undefined
    ? { ok: false, problem: `the k6 that was built does not run.\n${WAYS}` }
    : { ok: true, program, version }
}

/** Undefined when it worked, else the last thing Go said. */
function goInstall(into: string, say: (text: string) => void): Promise<string | undefined> {
  // The Go that is here builds it or nothing does: no other toolchain is fetched. It yields to whatever else runs.
  const env = { ...process.env, GOBIN: into, GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' }
  const args = ['go', 'install', '-v', '-trimpath', '-ldflags=-s -w', `go.k6.io/k6@${K6_VERSION}`]
  const child = spawn('nice', ['-n', '10', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let packages = 0
  let last = ''
  let toldAt = Date.now()
  child.stderr.on('data', (data: Buffer) => {
    const lines = data
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '')
    packages += lines.length
    last = lines.at(-1) ?? last
    if (Date.now() - toldAt < 5_000) return
    toldAt = Date.now()
    say(`building k6: ${packages} packages so far`)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code) => resolve(code === 0 ? undefined : last))
  })
}
