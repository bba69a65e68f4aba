/** A being for somebody new, with an id that is wanted or one made up from the name. */
import { randomBytes } from 'node:crypto'
import type { Being, BeingId } from '@rhizom/protocol'
import type { Sql } from '../db/database.ts'
import { createGuest } from '../db/write/guests.ts'

/** Enough for a made-up id to be free at the second try, should the first be taken. */
const ATTEMPTS = 3
const NAME_PART_LENGTH = 40

/** Undefined if the id is taken. */
export async function newGuest(sql: Sql, name: string, id: BeingId | undefined): Promise<Being | undefined> {
  if (id !== undefined) return createGuest(sql, id, name)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const made = await createGuest(sql, madeUpId(name, randomBytes(5)), name)
    if (made !== undefined) return made
  }
  return undefined
}

/** `Ada Lovelace` becomes `@ada-lovelace-3f9a…`: readable, and random enough to be free. */
export function madeUpId(name: string, random: Buffer): string {
  const readable = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, NAME_PART_LENGTH)
  return `@${readable === '' ? 'guest' : readable}-${random.toString('hex')}`
}
