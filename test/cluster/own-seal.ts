/** What a test says over the Redis of a cluster as one of its processes would, signed like theirs. */
import { BusSeal } from '@rhizom/process'
import { DEFAULT_REDIS_PREFIX } from '@rhizom/protocol'
import postgres from 'postgres'
import type { Cluster } from './cluster.ts'

export async function sealOf(
  { databaseUrl, internalToken }: Pick<Cluster, 'databaseUrl' | 'internalToken'>,
  prefix = DEFAULT_REDIS_PREFIX,
): Promise<BusSeal> {
  const seal = new BusSeal({ secrets: [internalToken], prefix, opened: () => undefined })
  const sql = postgres(databaseUrl, { max: 1 })
  try {
    const [row] = await sql<{ id: string }[]>`select id from installation`
    seal.installationLearned(row?.id ?? '')
    return seal
  } finally {
    await sql.end()
  }
}

/** An entry of presence as a gateway would have stored it. */
export function sealedEntry(seal: BusSeal, hash: string, field: string, entry: object): Buffer {
  const sealed = seal.seal(`${hash} ${field}`, JSON.stringify(entry))
  if (sealed === undefined) throw new Error('the installation is not known')
  return sealed
}
