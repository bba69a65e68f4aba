/**
 * Every file of the folder in which a system keeps its state, and of the repository, asked for at the ports of the
 * nodes.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { HttpPeer } from '../bytes/http-peer.ts'
import type { Arena, Attack } from '../stage.ts'

/** As `npm start` and `npm test` write them, whether or not they are there now. */
const STATE = ['secrets.json', 'run.json', 'postgres/password', 'logs/api.log', 'logs/gateway-1.log']
const OTHERS = ['package.json', 'api/src/main.ts', '.git/config', '.env', '/etc/passwd']
const MOST = 60

const spellings = (path: string): string[] => {
  const absolute = path.startsWith('/') ? path : join(repository, path)
  const relative = path.replace(/^\//, '')
  const up = '../'.repeat(12)
  return [
    `/${relative}`,
    `/@fs${absolute}`,
    `/v1/../${relative}`,
    `/v1/${up}${absolute.slice(1)}`,
    `/v1/spaces/${up.replaceAll('/', '%2f')}${encodeURIComponent(absolute.slice(1))}`,
    `/%2e%2e/${relative}`,
    `/..%5c${relative.replaceAll('/', '%5c')}`,
    `//${relative}`,
    `/v1//${absolute}`,
    `/openapi.json/${up}${absolute.slice(1)}`,
    `/?file=${absolute}`,
    `/v1/spaces?cursor=${encodeURIComponent(absolute)}`,
  ]
}

async function overEveryPort({ api, gateways, cluster, claim }: Arena): Promise<void> {
  const there = readdirSync(join(repository, '.local'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(json|log)$|password/.test(name))
    .slice(0, MOST)
  const files = [...new Set([...STATE, ...there])].map((name) => `.local/${name}`)
  const secrets = [cluster.tokenSecret, cluster.internalToken, new URL(cluster.databaseUrl).password]
  for (const url of [api, ...gateways]) {
    let http = await HttpPeer.open(url)
    for (const path of [...files, ...OTHERS].flatMap(spellings)) {
      if (http.isClosed) http = await HttpPeer.open(url)
      const answer = await http.ask({ method: 'GET', path })
      if (answer === undefined) continue
      claim(answer.status >= 400 && answer.status < 500, `${path} was answered ${answer.status}`)
      claim(!secrets.some((secret) => secret !== '' && answer.body.includes(secret)), `${path} tells a secret`)
    }
    http.cut()
  }
}

export const files: readonly Attack[] = [
  { name: 'every file of the state, at every port of the nodes', strike: overEveryPort },
]
