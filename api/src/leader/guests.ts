/**
 * Guests who left a space long ago are located nowhere: they would be listed there for ever. They are moved as they
 * would move themselves, by a change of the space, so that every screen learns of it. Who is here stays, however long
 * ago it came; where that cannot be known nobody is moved. Those that left no trace at all are forgotten.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { BusSeal } from '@rhizom/process'
import type { Redis } from 'ioredis'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.ts'
import { type LocatedGuest, readLongGone } from '../db/read/long-gone.ts'
import type { GroupCommit } from '../db/write/group-commit.ts'
import { forgetSilentGuests } from '../db/write/silent-guests.ts'
import { readPresence } from '../presence/read-presence.ts'
import type { Duty } from './duty.ts'

/** The rest is moved when the duty is next due. */
const GUESTS_AT_ONCE = 500

interface GuestsDeps {
  database: Database
  redis: Redis
  seal: BusSeal
  writes: GroupCommit
  /** 0 moves nobody. */
  staySeconds: number
  /** How long those are kept that left no trace; 0 keeps them. */
  keepSeconds: number
}

export const guestsDuty = ({ database, redis, seal, writes, staySeconds, keepSeconds }: GuestsDeps): Duty => ({
  async run(term) {
    if (keepSeconds > 0) await database.use((sql) => forgetSilentGuests(sql, keepSeconds, GUESTS_AT_ONCE))
    if (staySeconds === 0) return
    const gone = await database.use((sql) => readLongGone(sql, staySeconds, GUESTS_AT_ONCE))
    for (const [space, guests] of bySpace(gone)) {
      if (term.isOver) return
      const { here, frozen } = await readPresence({ redis, seal }, space, Number.MAX_SAFE_INTEGER)
      if (frozen) continue
      const present = new Set(here.map(({ being }) => being))
      const left = guests.filter((id) => !present.has(id))
      await Promise.all(left.map((id) => writes.submit(null, { actor: id, mutations: [moveToNowhere(id)] })))
    }
  },
})

const moveToNowhere = (id: BeingId) => ({ id: uuidv7(), space: null, name: 'being.move', args: { id } }) as const

function bySpace(guests: readonly LocatedGuest[]): Map<SpaceId, BeingId[]> {
  const spaces = new Map<SpaceId, BeingId[]>()
  for (const { id, space } of guests) spaces.set(space, [...(spaces.get(space) ?? []), id])
  return spaces
}
