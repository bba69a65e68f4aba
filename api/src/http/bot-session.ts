/** A session of a bot, given to its owner: POST /v1/sessions {being} with the owner's token. */
import type { BeingId, PostSessionAnswer } from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { findBeing } from '../db/read/beings.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import type { Grants } from './grants.ts'
import { ProblemError } from './problem-reply.ts'
import type { Services } from './services.ts'

type Needs = Pick<Services, 'database' | 'tokens'> & { grants: Grants }

export function botSessions({ database, tokens, grants }: Needs) {
  const authenticate = requireSession(tokens)
  const mustExist = requireBeing(database)
  return async (request: FastifyRequest, id: BeingId): Promise<PostSessionAnswer> => {
    await authenticate(request)
    await mustExist(request)
    const being = await database.use((sql) => findBeing(sql, id))
    // A being that is not the caller's bot answers like none: who owns what is nobody else's to ask.
    if (being?.type !== 'bot' || being.owner !== sessionOf(request).being)
      throw new ProblemError('not-found', `no bot ${id} of the caller`, { path: 'being' })
    const granted = await database.use((sql) => grants.begin(sql, being.id))
    return { ...(await granted()), being }
  }
}
