/**
 * The state folder (RHIZOM_LOCAL_DIR): data, logs, and the secrets and passwords of everything that runs. It is closed
 * to other users of the machine, also where an earlier version or somebody else made it with wider rights. What the
 * programs of the system add is closed by the umask that start.ts sets.
 */
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repository } from './places.ts'

/** What `--fresh` forgets. */
export const OWN_DATA = ['postgres', 'redis', 'seed.json', 'secrets.json', 'logs']
/** The cache holds programs by the thousand, whose rights are theirs: it is closed as a whole. */
const CACHE = 'cache'
const OWN = [...OWN_DATA, CACHE, 'run.json', 'start.lock']
/** Made and guarded by Postgres itself, which may run as another user. */
const OF_POSTGRES = /^data(\.|$)/

const OTHERS = 0o077
const OWNER = 0o700

export type StateFolder = { ok: true; notice: string | undefined } | { ok: false; problem: string }

/** Makes the folder where there is none. A problem or a notice is one line that names the variable, and no value. */
export function openStateFolder(path: string): StateFolder {
  try {
    make(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    for (const name of readdirSync(path).filter(isOwn)) close(join(path, name), name)
    if (isAllOurs(path)) narrow(path)
  } catch (error) {
    return { ok: false, problem: `RHIZOM_LOCAL_DIR: ${reasonOf(error)}` }
  }
  const open = (statSync(path).mode & OTHERS) !== 0
  const notice = 'RHIZOM_LOCAL_DIR: others may look into this folder, though not into what rhizom keeps in it'
  return { ok: true, notice: open ? notice : undefined }
}

/** Step by step: Node's own way to make several at once never ends where the system has no place for them (/proc). */
function make(path: string): void {
  if (!existsSync(path)) {
    make(dirname(path))
    try {
      mkdirSync(path, { mode: OWNER })
    } catch (error) {
      // Another start may have made it meanwhile.
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' })
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

const isOwn = (name: string): boolean => OWN.some((own) => name === own || name.startsWith(`${own}.`))

/** A folder that holds other things as well, as /tmp does, keeps its rights: others may need them. */
const isAllOurs = (path: string): boolean => path === join(repository, '.local') || readdirSync(path).every(isOwn)

function close(path: string, name: string): void {
  const facts = lstatSync(path)
  if (facts.isSymbolicLink() || OF_POSTGRES.test(name)) return
  narrow(path)
  if (!facts.isDirectory() || name === CACHE) return
  for (const each of readdirSync(path)) close(join(path, each), each)
}

function narrow(path: string): void {
  const { mode } = statSync(path)
  if ((mode & OTHERS) !== 0) chmodSync(path, mode & OWNER)
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it has to be a folder, and this is a file, or below one'
    case 'EACCES':
    case 'EPERM':
      return `the folder, or something in it, is not this user's to write to (${code})`
    case 'EROFS':
      return 'the folder is on a file system that is only read'
    default:
      return `the folder cannot be used (${code})`
  }
}
