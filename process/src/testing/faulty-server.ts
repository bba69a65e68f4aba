/** For tests: a server process of nothing, which meets the fault that FAULT names once it listens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { runServer, StartProblem } from '../run-server.ts'
import { common } from '../settings.ts'

const faults: Readonly<Record<string, () => void>> = {
  none: () => undefined,
  thrown: () => {
    throw new Error('planted')
  },
  rejected: () => void Promise.reject(new Error('planted')),
}

await runServer({
  component: 'faulty',
  settings: {
    TOKEN_SECRET: common.TOKEN_SECRET('Verifies', 'TOKEN_KEYS'),
    INTERNAL_TOKEN: common.INTERNAL_TOKEN('Nothing'),
    INTERNAL_TOKENS: common.INTERNAL_TOKENS,
    BUS_KEYS: common.BUS_KEYS,
    ALLOW_WEAK_SECRETS: common.ALLOW_WEAK_SECRETS,
    LOG_LEVEL: common.LOG_LEVEL,
  },
  stopWithinMs: () => 500,
  start: (_config, log) => {
    const { FAULT = 'none', CONTAINS, STOPS } = process.env
    if (FAULT === 'start') throw new StartProblem('PORT is of no use')
    if (FAULT === 'broken-start') throw new Error('planted')
    setTimeout(() => faults[FAULT]?.(), 100)
    // Keeps the process alive, as a server does.
    setInterval(() => undefined, 1_000)
    const contained = { rejected: (reason: unknown) => log.error({ err: reason }, 'contained') }
    return Promise.resolve({
      url: 'http://nowhere',
      internalUrl: 'http://nowhere.internal',
      stop: () => (STOPS === 'never' ? new Promise<void>(() => undefined) : sleep(100)),
      ...(CONTAINS === 'yes' ? contained : {}),
    })
  },
})
