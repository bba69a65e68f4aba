/** @rhizom/api, for tests and docs: the settings, and a node to run with its migrations. The process is main.ts. */
export { type Config, parseConfig, settings } from './config.ts'
export { migrate } from './db/migrate.ts'
export { type ApiNode, createNode } from './node.ts'
export type { ProcessLog } from '@rhizom/process'
