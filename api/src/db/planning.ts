/**
 * How Postgres plans what is asked here: once for each connection and statement, by the indexes that it stands on.
 *
 * A statement takes arrays of any length, and is asked again and again. Left alone, Postgres plans it anew for each
 * short array, which costs more than to run it; or keeps a plan that was made while the tables were almost empty, and
 * reads through all of them until they are next analyzed. Every hot statement stands on an index
 * (query-plans.int.test.ts, where the planner is free), so what is right for large tables is right at once.
 */
export const PLANNING = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const
