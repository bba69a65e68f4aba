/**
 * The parts of the local system: with which command and environment each runs, and how one knows that it does its work.
 * Every part keeps its port for life, so that whoever talks to it finds it again after it died.
 */
import { join } from 'node:path'
import { internalHost, namesIn, originsFor, portOf } from './addresses.ts'
import type { Command } from './child.ts'
import { linesMatching, pinoErrors, type ReadLine } from './log-follower.ts'
import { VITE_FLAGS, viteOf } from './page-build.ts'
import { repository } from './places.ts'
import type { Cluster } from './postgres-cluster.ts'
import { askPostgres } from './postgres.ts'
import type { RedisBinary } from './redis-binary.ts'
import { askRedis, redisCommand } from './redis.ts'
import type { Secrets } from './secrets.ts'
import type { Part } from './supervisor.ts'
import { publicKeysOf } from './token-keys.ts'
import { tokenFor } from './token.ts'

/** Of a node: for everybody, and for whoever runs it. */
export interface NodeUrls {
  url: string
  internal: string
}

/** What a part of our own is told beside what the user's environment holds. */
export interface Surroundings {
  environment: NodeJS.ProcessEnv
  host: string
  databaseUrl: string
  redisUrl: string
  secrets: Secrets
  webUrl: string
  apis: NodeUrls[]
  gateways: NodeUrls[]
  /** A port that is free, the usual one if it is. */
  port(usual: number): Promise<number>
}

const PROBE_MS = 2_000
const quick = { readyWithinMs: 60_000, stopSignal: 'SIGTERM', stopWithinMs: 8_000 } as const

async function responds(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) })
  // Read to the end, so that the connection is free again.
  await response.arrayBuffer()
  return response.ok
}

export function postgresPart(cluster: Cluster, port: number): Part {
  return {
    name: 'postgres',
    command: () => cluster.commandFor(port),
    answers: async () => (await askPostgres(cluster.urlOf(port, 'postgres'))) !== '',
    beforeStart: () => cluster.clearRemains(),
    ...quick,
    stopSignal: 'SIGINT',
  }
}

export function redisPart(binary: RedisBinary, directory: string, port: number): Part {
  return {
    name: 'redis',
    command: () => redisCommand(binary, directory, port),
    answers: async () => (await askRedis(`redis://127.0.0.1:${port}`)) !== '',
    ...quick,
  }
}

/** Where a node listens: the internal port on this machine alone, unless somebody says otherwise. */
const listening = ({ url, internal }: NodeUrls, { environment }: Surroundings): NodeJS.ProcessEnv => ({
  PORT: portOf(url),
  INTERNAL_PORT: portOf(internal),
  INTERNAL_HOST: internalHost(environment),
})

/** Browsers may come from the page, by whatever name of this machine, unless the user says otherwise. */
function shared(around: Surroundings): NodeJS.ProcessEnv {
  const { environment, host, redisUrl, secrets, webUrl } = around
  const { OPERATOR_TOKEN: _operator, ...ofNodes } = secrets
  return {
    ALLOWED_ORIGINS: originsFor(host, portOf(webUrl)).join(','),
    ...ofNodes,
    ...environment,
    HOST: host,
    REDIS_URL: redisUrl,
  }
}

/** A gateway signs no sessions: it gets what verifies them, unless the user gave the secret for both. */
function verifyingOnly(env: NodeJS.ProcessEnv, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { TOKEN_KEYS: keys = '', TOKEN_SECRET: _secret, ...rest } = env
  const secret = given['TOKEN_SECRET'] ?? ''
  return { TOKEN_PUBLIC_KEYS: publicKeysOf(keys), ...rest, TOKEN_KEYS: '', TOKEN_SECRET: secret }
}

const node = (script: string, env: NodeJS.ProcessEnv): Command => ({
  file: process.execPath,
  args: [script],
  env,
  cwd: repository,
})

export const migration = (around: Surroundings): Command =>
  node(join(repository, 'api/src/migrate.ts'), { ...shared(around), DATABASE_URL: around.databaseUrl })

export const apiParts = (around: Surroundings): Part[] =>
  around.apis.map((urls, index) => ({
    name: `api-${index + 1}`,
    command: () =>
      node(join(repository, 'api/src/main.ts'), {
        OPERATOR_TOKENS: `local:${around.secrets.OPERATOR_TOKEN}`,
        ...shared(around),
        DATABASE_URL: around.databaseUrl,
        ...listening(urls, around),
      }),
    answers: () => responds(`${urls.internal}/readyz`),
    ...quick,
  }))

export const gatewayParts = (around: Surroundings): Part[] =>
  around.gateways.map((urls, index) => ({
    name: `gateway-${index + 1}`,
    command: () =>
      node(join(repository, 'gateway/src/main.ts'), {
        ...verifyingOnly(shared(around), around.environment),
        API_URL: around.apis[index % around.apis.length]?.url,
        API_INTERNAL_URL: around.apis[index % around.apis.length]?.internal,
        ...listening(urls, around),
      }),
    answers: () => responds(`${urls.internal}/readyz`),
    ...quick,
  }))

/** What the guide is told of the user's environment; the one secret that it has is its own. */
const FOR_THE_GUIDE = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE', 'NODE_EXTRA_CA_CERTS', 'LOG_LEVEL', 'PACE_MS']

/** The bot in the lobby, on a port of its own that only this machine reaches. Each start has a token of its own. */
export function guidePart(around: Surroundings, port: number): Part {
  const { environment, apis, gateways } = around
  let token = ''
  return {
    name: 'guide',
    beforeStart: async () => {
      token = await tokenFor('@guide', shared(around)['TOKEN_KEYS'] ?? '')
    },
    command: () =>
      node(join(repository, 'bots/src/guide/main.ts'), {
        ...Object.fromEntries(FOR_THE_GUIDE.map((name) => [name, environment[name]])),
        API_URL: apis[0]?.url,
        SYNC_URL: `${(gateways[0]?.url ?? '').replace(/^http/, 'ws')}/v1/sync`,
        BOT_TOKEN: token,
        PORT: `${port}`,
      }),
    answers: () => responds(`http://127.0.0.1:${port}/readyz`),
    ...quick,
  }
}

/** What the page is served from: a built one, or its sources as they are (`npm run dev`). */
export type PageSource = { kind: 'built'; directory: string } | { kind: 'sources' }

/** What the page's server is told of the user's environment: of the secrets that may be in it, nothing. */
const FOR_THE_PAGE = [
  'PATH',
  'HOME',
  'TMPDIR',
  'MAX_BODY_BYTES',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NO_COLOR',
]

/** The page, with the way to the api nodes and the gateways, over which sockets are spread. */
export function webPart(around: Surroundings, page: PageSource): Part {
  const { environment, host, webUrl, apis, gateways } = around
  const web = join(repository, 'web')
  const env = {
    ...Object.fromEntries(FOR_THE_PAGE.map((name) => [name, environment[name]])),
    HOST: host,
    PORT: portOf(webUrl),
    API_URLS: apis.map(({ url }) => url).join(','),
    GATEWAY_URLS: gateways.map(({ url }) => url).join(','),
    PAGE_NAMES: namesIn(shared(around)['ALLOWED_ORIGINS'] ?? ''),
  }
  const command = (): Command => {
    switch (page.kind) {
      case 'built':
        return node(join(web, 'server/main.ts'), { ...env, PAGE_DIRECTORY: page.directory })
      case 'sources':
        return { file: process.execPath, args: [viteOf(web), ...VITE_FLAGS], env, cwd: web }
      default:
        return page satisfies never
    }
  }
  return { name: 'web', command, answers: () => responds(webUrl), ...quick }
}

/** What of a part's log belongs on the screen. */
export function errorsOf(part: string): ReadLine {
  if (part === 'postgres') return linesMatching(/ PANIC: /)
  if (part === 'redis') return linesMatching(/FATAL|Out of memory/i)
  if (part === 'web') return linesMatching(/\berror\b/i)
  return pinoErrors
}
