/**
 * A session of whom an issuer vouches for. The first time there is a being made for them; or, if they come with the
 * session of a guest, that one is theirs from now on, with all that it said. Later times they are the same being.
 */
import type { Being, BeingId, PostSessionAnswer } from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import type { Sql } from '../db/database.ts'
import { findBeing } from '../db/read/beings.ts'
import { findIdentity } from '../db/read/identities.ts'
import { createGuest } from '../db/write/guests.ts'
import { linkIdentity } from '../db/write/identities.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import type { Grants } from './grants.ts'
import type { Person } from './issuers.ts'
import { newGuest } from './new-guest.ts'
import { ProblemError } from './problem-reply.ts'
import type { Services } from './services.ts'

type Needs = Pick<Services, 'database' | 'tokens'> & { grants: Grants }

/** Who comes at the same time as itself, or as a made-up id that is taken, finds what it needs the second time. */
const ATTEMPTS = 3

export function identitySessions({ database, tokens, grants }: Needs) {
  const authenticate = requireSession(tokens)
  const mustExist = requireBeing(database)
  const callerOf = async (request: FastifyRequest): Promise<BeingId | undefined> => {
    if (request.headers.authorization === undefined) return undefined
    await authenticate(request)
    await mustExist(request)
    return sessionOf(request).being
  }
  return async (request: FastifyRequest, person: Person): Promise<PostSessionAnswer> => {
    const caller = await callerOf(request)
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const done = await database.use(async (sql) => {
        await sql`begin`
        const being = await beingOf(sql, person, caller)
        if (being === undefined || being === 'removed') {
          await sql`rollback`
          return being
        }
        const granted = await grants.begin(sql, being.id)
        await sql`commit`
        return { being, granted }
      })
      if (done === 'removed') throw new ProblemError('not-authenticated', 'this account was removed')
      if (done !== undefined) return { ...(await done.granted()), being: done.being }
    }
    throw new ProblemError('unavailable', 'this account is being made elsewhere', { retryAfterMs: 1000 })
  }
}

/** `removed`: nobody comes back by signing in. Undefined: somebody else was quicker. */
async function beingOf(sql: Sql, person: Person, caller: BeingId | undefined): Promise<Being | 'removed' | undefined> {
  const known = await findIdentity(sql, person)
  if (known !== undefined) return (await findBeing(sql, known)) ?? 'removed'
  const guest = caller === undefined ? undefined : await findBeing(sql, caller)
  const being =
    guest?.type === 'guest'
      ? guest
      : ((person.wantedId === undefined ? undefined : await createGuest(sql, person.wantedId, person.name)) ??
        (await newGuest(sql, person.name, undefined)))
  if (being === undefined) return undefined
  return (await linkIdentity(sql, person, being.id)) ? being : undefined
}
