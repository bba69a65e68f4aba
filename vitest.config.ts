/**
 * The kinds of test, told apart by the ending of a file's name (CONTRIBUTING.md says how to run each):
 * `.test.ts` pure and fast · `.int.test.ts` real Postgres and Redis · `.sim.test.ts` seeded simulation ·
 * `.e2e.test.ts` a real browser · `.fault.test.ts` real processes killed with real signals ·
 * `.hostile.test.ts` real processes and somebody who means them ill.
 */
import { defineConfig } from 'vitest/config'
import { startOptions } from './test/kit/node-start.ts'
import { LongestFirst } from './test/longest-first.ts'

const services = './test/services/global-setup.ts'
const browser = './test/browser/global-setup.ts'
/**
 * Sources as Node itself loads them, and as the processes of these tests do: what was stripped and compiled once is
 * kept for all, where Vite would have every worker compile it anew. Nothing here needs what Vite adds.
 */
const asNodeLoads = { experimental: { viteModuleRunner: false, nodeLoader: false }, execArgv: startOptions }
/** Most of what is slow waits: for a lease to run out, for a process to come up. So files run beside each other. */
const kinds = {
  int: { globalSetup: [services], testTimeout: 180_000, isolate: false },
  sim: { globalSetup: [], testTimeout: 180_000, hookTimeout: 600_000 },
  e2e: { globalSetup: [services, browser], testTimeout: 180_000 },
  fault: { globalSetup: [services], testTimeout: 180_000 },
  hostile: { globalSetup: [services], testTimeout: 180_000 },
}
const ignored = ['**/node_modules/**', '**/.local/**', '**/dist/**']

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // A machine that is busy with something else is slow and not wrong.
          testTimeout: 60_000,
          // Pure tests leave nothing behind, so the files of a worker share what they import.
          isolate: false,
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...ignored, ...Object.keys(kinds).map((kind) => `**/*.${kind}.test.{ts,tsx}`)],
        },
      },
      ...Object.entries(kinds).map(([kind, options]) => ({
        test: {
          name: kind,
          include: [`**/*.${kind}.test.{ts,tsx}`],
          exclude: ignored,
          hookTimeout: 300_000,
          ...asNodeLoads,
          ...options,
        },
      })),
    ],
  },
})
