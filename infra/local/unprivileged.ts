/**
 * Postgres refuses to run as root. As root on Linux its programs run as nobody, in one of two ways, whichever the
 * machine allows: in a user namespace of their own (their files then belong to root outside of it), or, as in most
 * containers, as that user with the right to pass folders that are closed to it. Neither adds a user to the machine.
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

const disguises: Disguise[] = [
  {
    name: 'user-namespace',
    fileOwner: 0,
    wrap: wrapIn((signal) => [
      ...['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'],
      ...['setpriv', '--pdeathsig', signal, '--'],
    ]),
  },
  {
    name: 'nobody',
    fileOwner: NOBODY,
    wrap: wrapIn((signal) => [
      ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
      ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--pdeathsig', signal, '--'],
    ]),
  },
]

const works = (disguise: Disguise): boolean => {
  const { file, args } = disguise.wrap({ file: 'true', args: [] })
  return spawnSync(file, args).status === 0
}

/** How programs that refuse root run here; undefined where this machine allows neither way. */
export function findDisguise(only?: Disguise['name']): Disguise | undefined {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return itself
  return disguises.find((disguise) => (only === undefined || disguise.name === only) && works(disguise))
}
