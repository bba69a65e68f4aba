/** A mutation as a caller writes it, checked before it leaves: what the server would refuse is refused here. */
import {
  checkValue,
  jsonBytes,
  LIMITS,
  type Mutation,
  mutationCheck,
  type MutationId,
  type MutationName,
} from '@rhizom/protocol'
import type { MutationOutcome } from '../core/queue-state.ts'
import { newId } from './new-id.ts'

type Named<N extends MutationName> = Extract<Mutation, { name: N }>
export type MutationArgs<N extends MutationName> = Named<N>['args']
/** null for a being that is located nowhere, where the mutation allows it. */
export type MutationSpace<N extends MutationName> = Named<N>['space']

export type Prepared = { ok: true; mutation: Mutation } | { ok: false; outcome: MutationOutcome }

export function prepareMutation<N extends MutationName>(
  name: N,
  space: MutationSpace<N>,
  args: MutationArgs<N>,
  id: MutationId = newId(),
): Prepared {
  const refuse = (code: string, message: string): Prepared => ({
    ok: false,
    outcome: { status: 'rejected', id, code, message },
  })
  const checked = checkValue(mutationCheck, { id, space, name, args })
  if (!checked.ok) {
    const { problem, path } = checked
    return refuse('malformed', path === undefined ? problem : `${path}: ${problem}`)
  }
  const bytes = jsonBytes(contentIn(checked.value))
  if (bytes > LIMITS.maxContentBytes)
    return refuse('too-large', `This is ${bytes} bytes long; the limit is ${LIMITS.maxContentBytes}.`)
  return { ok: true, mutation: checked.value }
}

function contentIn({ args }: Mutation): unknown {
  if ('content' in args) return args.content ?? []
  return 'text' in args ? args.text : []
}
