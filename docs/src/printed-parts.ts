/**
 * The parts of the documents that are printed from code: each stands between two markers and is replaced as a whole.
 * `node docs/src/print.ts` rewrites them; printed-parts.test.ts fails when they differ.
 */
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { createNode, parseConfig, settings as apiSettings } from '@rhizom/api'
import { settings as gatewaySettings } from '@rhizom/gateway'
import { settings as localSettings } from '@rhizom/infra/local/settings.ts'
import { watchConditions } from '@rhizom/process'
import { pino } from 'pino'
import { createMetrics as createApiMetrics } from '../../api/src/observe.ts'
import { createMetrics as createGatewayMetrics, gauge } from '../../gateway/src/observe.ts'
import { createPresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import { clientFrames, closeCodes, frameErrors, limits, mutations, problems, serverFrames } from './contract-tables.ts'
import { endpointsTable } from './endpoints-table.ts'
import { metricsTable } from './metrics-table.ts'
import { rights } from './rights-table.ts'
import { settingsTable } from './settings-table.ts'
import { statusTable } from './status-table.ts'

const settingsPart = (): string =>
  [
    '#### Both and the api',
    settingsTable(apiSettings),
    '#### The gateway',
    settingsTable(gatewaySettings),
    '#### `npm start`',
    'Everything else in the environment is passed on to the parts.',
    settingsTable(localSettings),
  ].join('\n\n')

/** An api that is asked for its description and nothing else: neither database nor Redis is reached. */
async function endpoints(): Promise<string> {
  const secret = randomBytes(32).toString('hex')
  const parsed = parseConfig({
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    REDIS_URL: 'redis://127.0.0.1:1',
    TOKEN_SECRET: secret,
    INTERNAL_TOKEN: secret,
  })
  if (!parsed.ok) throw new Error(parsed.problem)
  const node = await createNode(parsed.config, pino({ level: 'silent' }))
  try {
    await node.app.ready()
    return endpointsTable(node.app.swagger())
  } finally {
    await node.stop()
  }
}

function apiMetrics(): string {
  const metrics = createApiMetrics()
  const none = (): number => 0
  metrics.watch({
    requestsUnderWay: none,
    bodyBytes: none,
    queuedMutations: none,
    databaseLent: none,
    databaseWaiting: none,
  })
  watchConditions(metrics.set, [])
  return metricsTable(metrics.registry)
}

function gatewayMetrics(): string {
  const metrics = createGatewayMetrics()
  const none = (): number => 0
  gauge(metrics, {
    connections: none,
    connectionStates: () => new Map(),
    heldBytes: () => new Map(),
    feeds: none,
    parked: none,
    revoked: none,
    newsFollowers: none,
    isRedisUp: () => true,
  })
  watchConditions(metrics.set, [])
  createPresenceMetrics().register(metrics.registry, { entryCount: 0, hasLease: true, frozenCount: 0 })
  return metricsTable(metrics.registry)
}

/** A file that the test of the packages installs and runs. */
function installed(name: string): string {
  const text = readFileSync(new URL(`../../test/install/${name}`, import.meta.url), 'utf8')
  return `\`\`\`${name.split('.').at(-1) ?? ''}\n${text}\`\`\``
}
const example = (): string => installed('app.tsx')
const scripted = (): string => installed('scripted.ts')

type Print = () => string | Promise<string>

/** By document, from the root of the repository, and by marker. */
export const PARTS: Readonly<Record<string, Readonly<Record<string, Print>>>> = {
  'README.md': { settings: settingsPart, example, scripted },
  'protocol/SPEC.md': {
    endpoints,
    mutations,
    rights,
    problems,
    'client-frames': clientFrames,
    'server-frames': serverFrames,
    'frame-errors': frameErrors,
    'close-codes': closeCodes,
    limits,
  },
  'docs/sync-status.md': { statuses: statusTable },
  'docs/metrics.md': {
    'api-metrics': apiMetrics,
    'gateway-metrics': gatewayMetrics,
  },
}

/** The text with each printed part as the code has it now. Throws where a marker is missing. */
export async function withPrintedParts(document: string, text: string): Promise<string> {
  let result = text
  for (const [name, print] of Object.entries(PARTS[document] ?? {})) {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
    const [from, to] = [result.indexOf(begin), result.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`the markers of ${name} are missing in ${document}`)
    result = `${result.slice(0, from + begin.length)}\n\n${await print()}\n\n${result.slice(to)}`
  }
  return result
}
