/**
 * The kinds of test, told apart by the ending of a file's name (CONTRIBUTING.md says how to run each):
 * `.test.ts` pure and fast · `.int.test.ts` real Postgres and Redis · `.sim.test.ts` seeded simulation ·
 * `.e2e.test.ts` a real browser · `.fault.test.ts` real processes killed with real signals.
 */
import { defineConfig } from 'vitest/config'

const kinds = ['int', 'sim', 'e2e', 'fault'] as const
const ignored = ['**/node_modules/**', '**/.local/**', '**/dist/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...ignored, ...kinds.map((kind) => `**/*.${kind}.test.{ts,tsx}`)],
        },
      },
      ...kinds.map((kind) => ({
        test: {
          name: kind,
          include: [`**/*.${kind}.test.ts`],
          exclude: ignored,
          globalSetup: kind === 'sim' ? [] : ['./test/services/global-setup.ts'],
          testTimeout: kind === 'int' ? 30_000 : 180_000,
          hookTimeout: 120_000,
          ...(kind === 'int' || kind === 'sim' ? {} : { fileParallelism: false }),
        },
      })),
    ],
  },
})
