/**
 * Accepting an invite: whoever shows one gets its role, as a change of the space's members that is in its log like any
 * other. What was revoked is not there; what has ended, is used up, or was made by somebody who does not own the space
 * any more says the same, and so does every invite to whoever is banned.
 */
import type { Rejection, Role, Space } from '@rhizom/protocol'
import { accept, type DecideContext, type Decision } from './decision.ts'
import type { OpenInvite } from './open-invite.ts'
import { RIGHTS_OF, standingIn } from './rights.ts'
import type { WorldReader } from './world-reader.ts'

/** What there is to know of somebody who shows an invite. */
export interface ShownInvite {
  invite: OpenInvite
  space: Pick<Space, 'visibility' | 'posting'>
  /** The role of whoever shows it, if any, and of whoever made it. */
  held: Role | undefined
  ofMaker: Role | undefined
}

/** Whether it is none, gives its role, or gives nothing that is not there, which uses nothing up. */
export type InviteWorth = 'none' | 'role' | 'nothing'

/**
 * An invite takes no right away: who may do as much already keeps what they have. So whoever asks again, because an
 * answer was lost, is told the same, though it is used up by then.
 */
export function worthOf({ invite, space, held, ofMaker }: ShownInvite, at: number): InviteWorth {
  if (held === 'banned' || ofMaker !== 'owner' || at >= invite.expiresAt) return 'none'
  const [before, after] = [RIGHTS_OF[standingIn(space, held)], RIGHTS_OF[invite.role]]
  const gains = after.some((right) => !before.includes(right))
  const loses = before.some((right) => !after.includes(right))
  if (held !== undefined && !gains) return 'nothing'
  if (invite.usesLeft < 1) return 'none'
  return loses && !gains ? 'nothing' : 'role'
}

export const NO_SUCH_INVITE: Rejection = { code: 'not-found', message: 'no such invite' }

/** Under the lock of its space. Undefined is an invite that is not there (any more). */
export function decideInvite(
  world: WorldReader,
  invite: OpenInvite | undefined,
  { actor, at }: Pick<DecideContext, 'actor' | 'at'>,
): Decision {
  const space = invite === undefined ? undefined : world.space(invite.space)
  if (invite === undefined || space === undefined) return { accepted: false, error: NO_SUCH_INVITE }
  const [held, ofMaker] = [world.role(space.id, actor), world.role(space.id, invite.by)]
  const worth = worthOf({ invite, space, held, ofMaker }, at)
  switch (worth) {
    case 'none':
      return { accepted: false, error: NO_SUCH_INVITE }
    case 'nothing':
      return accept()
    case 'role':
      return accept({ kind: 'member.put', log: space.id, being: actor, role: invite.role })
    default:
      return worth satisfies never
  }
}
