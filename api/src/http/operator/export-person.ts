/** All that a being is and wrote, a line of JSON each: itself, what belongs to it, its roles, sessions, intentions. */
import type { BeingId } from '@rhizom/protocol'
import type { Database } from '../../db/database.ts'
import { beingsOf, intentionsOfPage, rolesOf } from '../../db/read/person.ts'
import { listSessions } from '../../db/read/sessions.ts'

const PER_PAGE = 200

export async function* exportPerson(database: Database, person: BeingId): AsyncGenerator<string> {
  const line = (kind: string, what: object): string => `${JSON.stringify({ kind, ...what })}\n`
  for (const being of await database.use((sql) => beingsOf(sql, person))) yield line('being', being)
  for (const role of await database.use((sql) => rolesOf(sql, person))) yield line('member', role)
  for (const session of await database.use((sql) => listSessions(sql, person, undefined)))
    yield line('session', session)
  for (let after: string | undefined; ; ) {
    const from = after
    const page = await database.use((sql) => intentionsOfPage(sql, person, from, PER_PAGE))
    for (const intention of page) yield line('intention', intention)
    after = page.at(-1)?.id
    if (page.length < PER_PAGE) return
  }
}
