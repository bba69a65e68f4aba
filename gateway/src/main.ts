/** One gateway node: settings from the environment, then run until told to stop. */
import { runServer } from '@rhizom/process'
import { settings } from './config.ts'
import { startGateway } from './lifecycle.ts'
import { observeProcess } from './observe.ts'

/** What is left of the grace is for closing; whatever takes longer is not worth waiting for. */
const CLOSING_MS = 10_000

await runServer({
  component: 'gateway',
  settings,
  stopWithinMs: (config) => config.DRAIN_GRACE_MS + CLOSING_MS,
  start: async (config, log) => {
    const running = await startGateway(config, log)
    observeProcess(running.gateway.metrics)
    // A promise that nobody waits for is one peer's trouble; Node would end the process and everybody with it.
    return { ...running, rejected: (reason) => running.wall.report('promise', reason) }
  },
})
