/**
 * How operators act: a row of who, what and why first, then what is to be done, then its outcome. What changes anything
 * is decided as mutations are, with `@operator` as the actor, so that it is in the log and on the screens.
 */
import { OPERATOR } from '@rhizom/domain'
import {
  type Mutation,
  type MutationResult,
  mutationSchema,
  type ProblemCode,
  type RejectionCode,
  type SpaceId,
} from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { beginAction, endAction } from '../../db/write/operator-actions.ts'
import { ProblemError } from '../problem-reply.ts'
import type { Services } from '../services.ts'
import { operatorOf } from './require-operator.ts'

/** What is done, to whom or what, and why. */
export interface Wanted {
  action: string
  target: string
  reason: string
}

export type Asked = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id' | 'space'> : never) : never

export class OperatorActions {
  readonly #services: Pick<Services, 'database' | 'writes'>

  constructor(services: Pick<Services, 'database' | 'writes'>) {
    this.#services = services
  }

  /** Does it, and says under which id it is in the audit. */
  async carryOut<Done extends object>(
    request: FastifyRequest,
    wanted: Wanted,
    what: () => Promise<Done>,
  ): Promise<Done & { action: string }> {
    const { database } = this.#services
    const id = uuidv7()
    const operator = operatorOf(request)
    await database.use((sql) => beginAction(sql, { id, operator, ...wanted }))
    request.log.info({ operator, action: wanted.action, target: wanted.target }, 'an operator acts')
    const end = (outcome: string): Promise<void> => database.use((sql) => endAction(sql, id, outcome))
    let done: Done
    try {
      done = await what()
    } catch (error) {
      await end(error instanceof ProblemError ? `${error.problem.code}: ${error.message}` : 'failed')
      throw error
    }
    await end('done')
    return { ...done, action: id }
  }

  /** Rejected ones are told by the first problem. */
  async mutate(space: SpaceId | null, ...asked: Asked[]): Promise<MutationResult[]> {
    const mutations = asked.map((one) => mutationOf(space, one))
    const outcome = await this.#services.writes.submit(space, { actor: OPERATOR, isOperator: true, mutations })
    if (outcome.status === 'actor-gone') throw new Error('an operator is never gone')
    for (const { error } of outcome.results)
      if (error !== undefined) throw new ProblemError(problemCodeOf(error.code), error.message)
    return outcome.results
  }
}

const mutationOf = (space: SpaceId | null, asked: Asked): Mutation =>
  mutationSchema.parse({ id: uuidv7(), space, ...asked })

function problemCodeOf(code: RejectionCode): ProblemCode {
  switch (code) {
    case 'not-found':
    case 'taken':
    case 'too-large':
      return code
    default:
      return 'forbidden'
  }
}
