/**
 * All that a being is and wrote, a line of JSON each: itself, what belongs to it, who it is elsewhere, its roles,
 * sessions, open invites, what it has read, and its intentions.
 */
import type { BeingId } from '@rhizom/protocol'
import type { Database } from '../../db/database.ts'
import { beingsOf, identitiesOf, intentionsOfPage, invitesOf, readsOf, rolesOf } from '../../db/read/person.ts'
import { listSessions } from '../../db/read/sessions.ts'

const PER_PAGE = 200

export async function* exportPerson(database: Database, person: BeingId): AsyncGenerator<string> {
  const line = (kind: string, what: object): string => `${JSON.stringify({ kind, ...what })}\n`
  for (const being of await database.use((sql) => beingsOf(sql, person))) yield line('being', being)
  for (const identity of await database.use((sql) => identitiesOf(sql, person))) yield line('identity', identity)
  for (const role of await database.use((sql) => rolesOf(sql, person))) yield line('member', role)
  for (const session of await database.use((sql) => listSessions(sql, person, undefined)))
    yield line('session', session)
  for (const invite of await database.use((sql) => invitesOf(sql, person))) yield line('invite', invite)
  for (const read of await database.use((sql) => readsOf(sql, person))) yield line('read', read)
  for (let after: string | undefined; ; ) {
    const from = after
    const page = await database.use((sql) => intentionsOfPage(sql, person, from, PER_PAGE))
    for (const intention of page) yield line('intention', intention)
    after = page.at(-1)?.id
    if (page.length < PER_PAGE) return
  }
}
