/**
 * Brings peers to this machine: packages of npm into a folder of their own, from packages/package.json, and
 * programs in Go by `go install`. The workspace of this repository has none of them. What is in the cache is complete.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Undefined when it worked, else the last thing it said. */
function runTool(
  file: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said = `${said}${data.toString()}`.slice(-2_000)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : (said.trim().split('\n').at(-1) ?? 'no reason given').trim()),
    )
  })
}

/** Makes a folder of the cache whole, or not at all. */
async function whole(
  folder: string,
  make: (unfinished: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  if (existsSync(folder)) return undefined
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const problem = await make(unfinished)
  if (problem === undefined && !existsSync(folder)) renameSync(unfinished, folder)
  rmSync(unfinished, { recursive: true, force: true })
  return problem
}

/** The packages of `packages/package.json`; why they cannot be had, or undefined. */
export const getPackages = (folder: string, say: (text: string) => void): Promise<string | undefined> =>
  whole(folder, (unfinished) => {
    say('fetching the packages of peers, once')
    for (const name of ['package.json', 'package-lock.json'])
      cpSync(join(import.meta.dirname, 'packages', name), join(unfinished, name))
    return runTool('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], unfinished, process.env)
  })

/** A program in Go, built of one version; why it cannot be had, or undefined. */
export function getGoProgram(folder: string, module: string, say: (text: string) => void): Promise<string | undefined> {
  return whole(folder, (unfinished) => {
    if (spawnSync('go', ['version']).status !== 0) return Promise.resolve('there is no Go here')
    say(`building ${module} with Go, once; this takes a few minutes`)
    const env = { ...process.env, GOBIN: unfinished, GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' }
    return runTool('go', ['install', '-trimpath', '-ldflags=-s -w', module], unfinished, env)
  })
}
