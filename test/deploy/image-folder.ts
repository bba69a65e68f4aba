/**
 * Does what `docker build` would do, in a folder: where images cannot be built, this shows that the very files,
 * commands and user of a Dockerfile lead to a process that runs. Each stage is a folder that stands for its root.
 *
 * What it cannot show is the base image: node stands in as a copy of the Node that runs the test (the version is
 * compared), and a stage on another base gets its files but no programs.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseDockerfile, lastOf, type CopyInstruction, type Stage } from './dockerfile.ts'
import { parseDockerignore, type IsIgnored } from './dockerignore.ts'

export interface ImageFolder {
  /** Stands for `/`. */
  root: string
  workdir: string
  env: Record<string, string>
  /** `1000:1000`, as in USER. */
  user: string
  command: string[]
  healthcheck: string[]
  stages: Stage[]
}

interface Build {
  context: string
  into: string
  ignored: IsIgnored
  stages: Stage[]
}

/** Follows a Dockerfile. `log` gets the output of its RUN commands. */
export async function buildImageFolder(
  context: string,
  dockerfile: string,
  into: string,
  log: (text: string) => void,
): Promise<ImageFolder> {
  const stages = parseDockerfile(readFileSync(join(context, dockerfile), 'utf8'))
  const ignored = parseDockerignore(readFileSync(join(context, '.dockerignore'), 'utf8'))
  const build: Build = { context, into, ignored, stages }
  mkdirSync(into, { recursive: true })
  chmodSync(into, 0o755)
  for (const stage of stages) await buildStage(build, stage, log)

  const image = stages.at(-1)
  if (image === undefined) throw new Error(`${dockerfile} has no stage`)
  const last = { cmd: lastOf(image, 'CMD'), user: lastOf(image, 'USER'), health: lastOf(image, 'HEALTHCHECK') }
  return {
    root: join(into, image.name),
    workdir: lastOf(image, 'WORKDIR')?.path ?? '/',
    env: environmentOf(image),
    user: last.user?.user ?? 'root',
    command: last.cmd?.command ?? [],
    healthcheck: last.health?.command ?? [],
    stages,
  }
}

async function buildStage(build: Build, stage: Stage, log: (text: string) => void): Promise<void> {
  const root = join(build.into, stage.name)
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true })
  if (stage.base.startsWith('node:')) {
    copyFileSync(process.execPath, join(root, 'usr/local/bin/node'))
    chmodSync(join(root, 'usr/local/bin/node'), 0o755)
  }
  let workdir = '/'
  for (const instruction of stage.instructions) {
    switch (instruction.instruction) {
      case 'WORKDIR':
        workdir = instruction.path
        mkdirSync(join(root, workdir), { recursive: true })
        break
      case 'COPY':
        copy(build, root, workdir, instruction)
        break
      case 'RUN':
        await run(instruction.command, join(root, workdir), buildEnvironment(root, environmentOf(stage)), log)
        break
      case 'ENV':
      case 'USER':
      case 'EXPOSE':
      case 'HEALTHCHECK':
      case 'CMD':
        break
      default:
        instruction satisfies never
    }
  }
}

const environmentOf = (stage: Stage): Record<string, string> =>
  Object.fromEntries(
    stage.instructions.flatMap((each) => (each.instruction === 'ENV' ? Object.entries(each.values) : [])),
  )

/** What the program that runs this test was told for itself, and a build would not know. */
const NOT_INHERITED =
  /^(NODE_(ENV|OPTIONS|PATH|COMPILE_CACHE)|VITEST|RHIZOM_|npm_(lifecycle|package|execpath|config_\w+_prefix))/

/** Global installs land in the stage's folder; caches are used first, so that nothing is fetched twice. */
function buildEnvironment(root: string, env: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name))
  return {
    ...Object.fromEntries(inherited),
    ...env,
    CI: 'true',
    PATH: `${join(root, 'usr/local/bin')}:${process.env['PATH'] ?? ''}`,
    npm_config_prefix: join(root, 'usr/local'),
    npm_config_prefer_offline: 'true',
    pnpm_config_prefer_offline: 'true',
  }
}

function copy(build: Build, root: string, workdir: string, instruction: CopyInstruction): void {
  const base = instruction.from === undefined ? build.context : join(build.into, instruction.from)
  const target = instruction.to.startsWith('/') ? join(root, instruction.to) : join(root, workdir, instruction.to)
  for (const source of instruction.sources) {
    const from = join(base, source)
    const isFolder = statSync(from).isDirectory()
    const into = !isFolder && instruction.to.endsWith('/') ? join(target, basename(source)) : target
    cpSync(from, into, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => instruction.from !== undefined || !build.ignored(relative(build.context, path)),
    })
  }
}

function run(command: string, cwd: string, env: NodeJS.ProcessEnv, log: (text: string) => void): Promise<void> {
  log(`RUN ${command}\n`)
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (data: Buffer) => log(data.toString()))
    child.stderr.on('data', (data: Buffer) => log(data.toString()))
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`RUN ${command} ended with ${String(code)}`))
    })
  })
}

/** Whether a process can be started as another user here: only root may, with setpriv. */
export const canChangeUser = process.platform === 'linux' && process.getuid?.() === 0

/** Starts a command of the image as its user, with its environment and nothing of ours but `env`. */
export function startInImage(
  image: ImageFolder,
  command: readonly string[],
  env: Record<string, string>,
): ChildProcess {
  const [uid = '', gid = uid] = image.user.split(':')
  const asUser = canChangeUser ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'] : []
  const [program = '', ...args] = [...asUser, ...command]
  return spawn(program, args, {
    cwd: join(image.root, image.workdir),
    env: { PATH: `${join(image.root, 'usr/local/bin')}:/usr/local/bin:/usr/bin:/bin`, ...image.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
