/** The api process: settings from the environment, one node, a graceful stop on SIGTERM and SIGINT. */
import { runServer, StartProblem } from '@rhizom/process'
import { settings, weakOperatorToken } from './config.ts'
import { createNode } from './node.ts'

await runServer({
  component: 'api',
  settings,
  stopWithinMs: (config) => config.STOP_TIMEOUT_MS,
  start: async (config, log) => {
    const weak = config.ALLOW_WEAK_SECRETS ? undefined : weakOperatorToken(config)
    if (weak !== undefined) throw new StartProblem(weak)
    const node = await createNode(config, log)
    return { ...(await node.listen()), stop: node.stop }
  },
})
