/**
 * The renewal of a session: what gives a fresh token at any later time, for as long as the session is not ended. It is
 * used once; with each use the next one takes its place. Stored are digests only.
 *
 *   <session>.<family>.<secret>
 *
 * `family` stays the same for the life of a session, so that a renewal that was used long ago is told from a made-up
 * one, however many there were. `secret` is random at first, and each next one follows from the former by a key: so
 * whoever asks twice, because an answer was lost or two tabs woke up at once, is answered the same.
 */
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { SessionId } from '@rhizom/protocol'

export interface Renewal {
  session: SessionId
  family: string
  secret: string
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const FORM = new RegExp(`^(?<session>${UUID})\\.(?<family>[\\w-]{22})\\.(?<secret>[\\w-]{43})$`)

export const firstRenewal = (): Renewal => ({
  session: randomUUID(),
  family: randomBytes(16).toString('base64url'),
  secret: randomBytes(32).toString('base64url'),
})

export const nextRenewal = (former: Renewal, key: string): Renewal => ({
  ...former,
  secret: createHmac('sha256', key)
    .update(`renewal ${renewalText(former)}`)
    .digest('base64url'),
})

export const renewalText = ({ session, family, secret }: Renewal): string => `${session}.${family}.${secret}`

export function parseRenewal(text: string): Renewal | undefined {
  const { session, family, secret } = FORM.exec(text)?.groups ?? {}
  return session === undefined || family === undefined || secret === undefined ? undefined : { session, family, secret }
}

/** As it is stored. What is digested has 128 random bits or more, so a plain hash tells nothing of it. */
export interface StoredRenewal {
  session: SessionId
  family: string
  secret: string
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

export const stored = ({ session, family, secret }: Renewal): StoredRenewal => ({
  session,
  family: digest(family),
  secret: digest(secret),
})
