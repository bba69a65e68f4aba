/**
 * Postgres refuses to run as root. As root on Linux its programs run as nobody, in the first of these ways in which
 * they reach their files, which may lie below folders that are closed to others: in a user namespace of their own
 * (their files then belong to root outside of it), or, as in most containers, as that user with the right to pass such
 * folders. No way adds a user to the machine.
 */
import { spawnSync } from 'node:child_process'
import type { Command } from './child.ts'

const NOBODY = 65_534

export interface Disguise {
  name: 'itself' | 'user-namespace' | 'nobody'
  /** Who owns the files that the program makes, as seen from here. */
  fileOwner: number
  wrap(command: Command): Command
}

const itself: Disguise = { name: 'itself', fileOwner: process.getuid?.() ?? 0, wrap: (command) => command }

function wrapIn(prefix: (deathSignal: string) => string[]): Disguise['wrap'] {
  return (command) => {
    // A change of credentials clears a parent-death signal, so it is set once more after it.
    const [file = '', ...args] = prefix(command.deathSignal ?? 'KILL')
    return { ...command, file, args: [...args, command.file, ...command.args] }
  }
}

const asNobody = (...more: string[]): Disguise => ({
  name: 'nobody',
  fileOwner: NOBODY,
  wrap: wrapIn((signal) => [
    ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
    ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override', ...more, '--pdeathsig', signal, '--'],
  ]),
})

const disguises: Disguise[] = [
  {
    name: 'user-namespace',
    fileOwner: 0,
    wrap: wrapIn((signal) => [
      ...['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'],
      ...['setpriv', '--pdeathsig', signal, '--'],
    ]),
  },
  // Without this bit access(2), by which Postgres looks for its programs, forgets the right of a user that is not root.
  asNobody('--securebits=+no_setuid_fixup'),
  // Where the bit may not be set; then the way to the programs has to be open.
  asNobody(),
]

const succeeds = (disguise: Disguise, probe: Command): boolean => {
  const { file, args } = disguise.wrap(probe)
  return spawnSync(file, args, { stdio: 'ignore', env: probe.env ?? process.env }).status === 0
}

export interface DisguiseSearch {
  /** What has to succeed in it. */
  probe?: Command
  only?: Disguise['name'] | undefined
}

/** How programs that refuse root run here; undefined where this machine allows no way. */
export function findDisguise({ probe = { file: 'true', args: [] }, only }: DisguiseSearch = {}): Disguise | undefined {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return itself
  return disguises.find((disguise) => (only === undefined || disguise.name === only) && succeeds(disguise, probe))
}
