/** What a gateway depends on, each said when it turns bad and when it is good again. */
import type { Clock } from '@rhizom/machine'
import { ConditionLog, forgeries } from '@rhizom/process'
import type { Log } from './ports.ts'

/**
 * `redis`: the connections to it, and what is asked on them. `heads`: what the api announces over Redis. `api`: what is
 * asked of it. `forgeries`: messages that none of ours signed. `room`: for connections, and for what is held for them
 * and for spaces.
 */
export type Conditions = Readonly<Record<'redis' | 'heads' | 'api' | 'forgeries' | 'room', ConditionLog>>

export function createConditions(log: Log, clock: Clock): Conditions {
  const condition = (name: string, whenGood: string) => new ConditionLog({ name, log, clock, whenGood })
  return {
    forgeries: forgeries(log, clock),
    redis: condition('redis', 'Redis is as it should be again'),
    heads: condition('heads', 'heads arrive again'),
    api: condition('api', 'the api answers again'),
    room: condition('room', 'there is room again for what comes'),
  }
}

export const headsMissing = (silenceMs: number) => ({
  reason: 'no heads arrive: Redis carries nothing of the api, or no api leads',
  problem: `silence for ${silenceMs} ms`,
})
