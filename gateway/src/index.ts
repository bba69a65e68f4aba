/** @rhizom/gateway: a gateway node. Who runs one needs main.ts; this is for what prints and checks its settings. */
export { type Config, parseConfig, settings } from './config.ts'
