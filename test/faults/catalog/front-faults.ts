/** What stands in front of a deployment breaks the better ways through it: whoever comes by it falls to the next. */
import type { FrontProxyModes } from '../../integration/front-proxy.ts'
import type { Carrier } from '../carrier.ts'
import type { Fault } from '../fault.ts'

interface FrontFault {
  name: string
  modes: FrontProxyModes
  /** What still gets through. */
  left: Carrier['name']
  holdMs: number
  servedWithinMs: number
}

/** A socket that is mute is given up after 2 s, and so is a stream that says nothing. */
const FAULTS: readonly FrontFault[] = [
  {
    name: 'the front proxy refuses upgrades',
    modes: { sockets: 'refuse', answers: 'pass' },
    left: 'sse',
    holdMs: 2_500,
    servedWithinMs: 2_500,
  },
  {
    name: 'the front proxy lets sockets open and stay mute',
    modes: { sockets: 'mute', answers: 'pass' },
    left: 'sse',
    holdMs: 5_000,
    servedWithinMs: 4_500,
  },
  {
    name: 'the front proxy refuses upgrades and holds answers back',
    modes: { sockets: 'refuse', answers: 'hold' },
    left: 'polling',
    holdMs: 6_000,
    servedWithinMs: 5_500,
  },
]

export const frontFaults: readonly Fault[] = FAULTS.map(({ name, modes, left, holdMs, servedWithinMs }) => ({
  name,
  weight: 2,
  holdMs,
  servedWithinMs,
  async strike({ rig: { front }, clients, problem }) {
    Object.assign(front.modes, modes)
    front.cut()
    return async () => {
      for (const { name: who, carriedBy } of clients.named('falling'))
        if (carriedBy !== left) problem(`${who} is carried by ${carriedBy}, and not by ${left}`)
      front.heal()
      front.cut()
    }
  },
}))
