/** What a cluster has stored, wherever: every row of every table as text, and every key of Redis with what it holds. */
import { Redis } from 'ioredis'
import postgres from 'postgres'
import type { Cluster } from '../cluster/cluster.ts'

/** Those of the texts that stand in any table, or anywhere in Redis. */
export async function storedAnywhere(cluster: Cluster, texts: readonly string[]): Promise<string[]> {
  const all: string[] = []
  const sql = postgres(cluster.databaseUrl, { max: 1, onnotice: () => undefined })
  const redis = new Redis(cluster.redisUrl)
  try {
    const tables = await sql<{ name: string }[]>`
      select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema')`
    for (const { name } of tables)
      for (const { row } of await sql<{ row: string }[]>`select t::text as row from ${sql.unsafe(name)} t`)
        all.push(row)
    for (const key of await redis.keys('*')) all.push(await textOf(redis, key))
  } finally {
    await sql.end()
    redis.disconnect()
  }
  return texts.filter((text) => all.some((one) => one.includes(text)))
}

async function textOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return `${key} ${await redis.get(key)}`
    case 'hash':
      return `${key} ${JSON.stringify(await redis.hgetall(key))}`
    case 'set':
      return `${key} ${(await redis.smembers(key)).join()}`
    case 'zset':
      return `${key} ${(await redis.zrange(key, '0', '-1')).join()}`
    case 'list':
      return `${key} ${(await redis.lrange(key, 0, -1)).join()}`
    default:
      return key
  }
}
