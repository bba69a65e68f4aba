/**
 * The kinds of test, told apart by the ending of a file's name (CONTRIBUTING.md says how to run each):
 * `.test.ts` pure and fast · `.int.test.ts` real Postgres and Redis · `.sim.test.ts` seeded simulation ·
 * `.e2e.test.ts` a real browser · `.fault.test.ts` real processes killed with real signals ·
 * `.hostile.test.ts` real processes and somebody who means them ill.
 */
import { defineConfig } from 'vitest/config'

const services = './test/services/global-setup.ts'
const browser = './test/browser/global-setup.ts'
const kinds = {
  int: { globalSetup: [services], testTimeout: 30_000, fileParallelism: true },
  sim: { globalSetup: [], testTimeout: 180_000, fileParallelism: true },
  e2e: { globalSetup: [services, browser], testTimeout: 180_000, fileParallelism: false },
  fault: { globalSetup: [services], testTimeout: 180_000, fileParallelism: false },
  hostile: { globalSetup: [services], testTimeout: 180_000, maxWorkers: 2 },
}
const ignored = ['**/node_modules/**', '**/.local/**', '**/dist/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // A machine that is busy with something else is slow and not wrong.
          testTimeout: 60_000,
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...ignored, ...Object.keys(kinds).map((kind) => `**/*.${kind}.test.{ts,tsx}`)],
        },
      },
      ...Object.entries(kinds).map(([kind, options]) => ({
        test: {
          name: kind,
          include: [`**/*.${kind}.test.{ts,tsx}`],
          exclude: ignored,
          hookTimeout: 120_000,
          ...options,
        },
      })),
    ],
  },
})
