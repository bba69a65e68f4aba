/** The api process: settings from the environment, one node, a graceful stop on SIGTERM and SIGINT. */
import { runServer } from '@rhizom/process'
import { settings } from './config.ts'
import { createNode } from './node.ts'

await runServer({
  component: 'api',
  settings,
  stopWithinMs: (config) => config.STOP_TIMEOUT_MS,
  start: async (config, log) => {
    const node = await createNode(config, log)
    return { url: await node.listen(), stop: node.stop }
  },
})
