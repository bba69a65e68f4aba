/** A mutation as a caller writes it, checked before it leaves: what the server would refuse is refused here. */
import {
  firstFault,
  jsonBytes,
  LIMITS,
  type Mutation,
  type MutationId,
  type MutationName,
  mutationSchema,
} from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { MutationOutcome } from '../core/queue-state.ts'

type Named<N extends MutationName> = Extract<Mutation, { name: N }>
export type MutationArgs<N extends MutationName> = Named<N>['args']
/** null for a being that is located nowhere, where the mutation allows it. */
export type MutationSpace<N extends MutationName> = Named<N>['space']

/** A new id for an intention or a mutation: a uuid of version 7, which sorts by time. */
export const newId = (): string => uuidv7()

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
  const parsed = mutationSchema.safeParse({ id, space, name, args })
  if (!parsed.success) {
    const { problem, path } = firstFault(parsed.error)
    return refuse('malformed', path === undefined ? problem : `${path}: ${problem}`)
  }
  const bytes = jsonBytes(contentIn(parsed.data))
  if (bytes > LIMITS.maxContentBytes)
    return refuse('too-large', `This is ${bytes} bytes long; the limit is ${LIMITS.maxContentBytes}.`)
  return { ok: true, mutation: parsed.data }
}

function contentIn({ args }: Mutation): unknown {
  if ('content' in args) return args.content ?? []
  return 'text' in args ? args.text : []
}
