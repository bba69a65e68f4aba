/**
 * What one may have: spaces and beings of an owner, members of a space, and the address of a space that was removed.
 * Looked at before a mutation waits for its turn, and only for those that make something. Two at the same moment may
 * both pass at the bound: a quota keeps from thousands, and is no rule of the log.
 *
 * A refusal is not remembered, and whatever was applied once is told again, also over a quota.
 */
import { duplicateOf } from '@rhizom/domain'
import type { TokenHolder } from '@rhizom/process'
import type { BeingId, Mutation, MutationResult, SpaceId } from '@rhizom/protocol'
import type { Config } from '../config.ts'
import type { Sql } from '../db/database.ts'
import { countMembers, countOwned, isKeptForAnother } from '../db/read/quotas.ts'
import { setListed } from '../db/write/listing.ts'
import { findOutcomes } from '../db/write/ledger.ts'
import type { Services } from './services.ts'

type Quotas = Pick<Config, 'MAX_SPACES_OWNED' | 'MAX_BEINGS_OWNED' | 'MAX_MEMBERS' | 'REMOVED_SPACE_KEEP_SECONDS'>
type Refusal = Pick<Required<MutationResult>, 'error'>['error']

/** The answers to those that are over a quota; the others are to be decided. */
export async function overQuota(
  { config, database }: Pick<Services, 'config' | 'database'>,
  { being: actor }: TokenHolder,
  space: SpaceId | null,
  part: readonly Mutation[],
): Promise<ReadonlyMap<Mutation, MutationResult>> {
  const making = part.filter(({ name }) => name === 'space.create' || name === 'being.create' || name === 'member.put')
  if (making.length === 0) return new Map()
  return database.use(async (sql) => {
    const refused = await refusalsIn(sql, actor, space, making, config)
    if (refused.size === 0) return new Map()
    const former = await findOutcomes(
      sql,
      actor,
      [...refused.keys()].map(({ id }) => id),
    )
    const answers = [...refused].map(([mutation, error]): [Mutation, MutationResult] => {
      const { id } = mutation
      const outcome = former.get(id)
      return [mutation, outcome === undefined ? { id, status: 'rejected', error } : duplicateOf(id, outcome)]
    })
    return new Map(answers)
  })
}

async function refusalsIn(
  sql: Sql,
  actor: BeingId,
  space: SpaceId | null,
  making: readonly Mutation[],
  quotas: Quotas,
): Promise<Map<Mutation, Refusal>> {
  const refused = new Map<Mutation, Refusal>()
  const room = async (mutations: readonly Mutation[], most: number, counted: Promise<number>, what: string) => {
    const left = Math.max(0, most - (await counted))
    for (const mutation of mutations.slice(left))
      refused.set(mutation, over(`${what}: ${most}, which is as many as there may be`))
  }
  const creating = making.filter(({ name }) => name === 'space.create')
  if (creating.length > 0) {
    const { MAX_SPACES_OWNED: most, REMOVED_SPACE_KEEP_SECONDS: seconds } = quotas
    await room(creating, most, countOwned(sql, actor, ['space'], most), 'spaces of one owner')
    if (space !== null && (await isKeptForAnother(sql, space, actor, seconds)))
      for (const mutation of creating) refused.set(mutation, { code: 'taken', message: `${space} is taken` })
  }
  const beings = making.filter(({ name }) => name === 'being.create')
  if (beings.length > 0) {
    const { MAX_BEINGS_OWNED: most } = quotas
    await room(beings, most, countOwned(sql, actor, ['bot', 'document', 'guest'], most), 'beings of one owner')
  }
  const put = making.filter((one) => one.name === 'member.put')
  if (put.length > 0 && space !== null) {
    const { MAX_MEMBERS: most } = quotas
    const asked = put.map(({ args }) => args.being)
    const { count, known } = await countMembers(sql, space, asked, most)
    const added = put.filter(({ args }) => !known.has(args.being))
    await room(added, most, Promise.resolve(count), 'members of one space')
  }
  return refused
}

/** Of what somebody made who has as many spaces already as are listed of one maker, strangers find none in the list. */
export async function listMade(
  { config, database }: Pick<Services, 'config' | 'database'>,
  { being }: TokenHolder,
  space: SpaceId,
): Promise<void> {
  await database.use((sql) => setListed(sql, being, space, config.MAX_SPACES_LISTED))
}

const over = (message: string): Refusal => ({ code: 'forbidden', message })
