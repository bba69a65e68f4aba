/**
 * The secret of an invite, as a link carries it: `<invite>.<random>`. Stored is a digest of the random part only, which
 * has 256 bits: a plain hash tells nothing of it, and nobody makes one up.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { InviteId } from '@rhizom/protocol'

export interface InviteSecret {
  id: InviteId
  random: string
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const FORM = new RegExp(`^(?<id>${UUID})\\.(?<random>[\\w-]{43})$`)

export const newInviteSecret = (): InviteSecret => ({ id: randomUUID(), random: randomBytes(32).toString('base64url') })

export const inviteSecretText = ({ id, random }: InviteSecret): string => `${id}.${random}`

export function parseInviteSecret(text: string): InviteSecret | undefined {
  const { id, random } = FORM.exec(text)?.groups ?? {}
  return id === undefined || random === undefined ? undefined : { id, random }
}

export const digestOf = ({ id, random }: InviteSecret): string =>
  createHash('sha256').update(`invite ${id} ${random}`).digest('base64url')
