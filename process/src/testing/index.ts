/** For tests: a log held in memory, and a Redis that answers as it is told. */
export * from './held-log.ts'
export * from './scripted-redis.ts'
