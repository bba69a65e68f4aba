import type { BeingId, InviteId, InviteRole, SpaceId } from '@rhizom/protocol'

/** An invite as deciding on it takes it: one that was revoked is none. */
export interface OpenInvite {
  id: InviteId
  space: SpaceId
  role: InviteRole
  by: BeingId
  usesLeft: number
  expiresAt: number
}
