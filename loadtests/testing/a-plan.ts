/** A plan for tests; each says what matters to it. */
import type { Plan } from '../scenarios/plan.ts'

export const aPlan = (over: Partial<Plan> = {}): Plan => ({
  scenario: 'write-to-screen',
  run: 'test',
  metrics: [],
  api: ['http://api'],
  gateways: ['http://a', 'http://b'],
  clients: 24,
  spaces: 4,
  writers: 4,
  rate: 40,
  durationSeconds: 5,
  connectSeconds: 2,
  settleSeconds: 5,
  p95Ms: 500,
  watcherVus: 5,
  ...over,
})
