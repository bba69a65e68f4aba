/** What benchmarks of a gateway need of its tests. */
export { LogServer, TEST_INTERNAL_TOKEN, utterance } from './log-server.ts'
export { TEST_SECRET, tokenFor } from './test-client.ts'
export { sealedForTests } from './test-gateway.ts'
