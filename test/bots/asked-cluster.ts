/** A cluster in which two copies of the telling bot run, each with a session of its own, by a gateway of its own. */
import { type Cluster, ClusterNode, freePort, startCluster } from '../cluster/cluster.ts'
import { freshId, signIn } from '../wire/api-caller.ts'
import { Questions } from './questions.ts'

/** So many kills every question survives, however unlucky. */
const MAX_ATTEMPTS = 1000

export interface AskedCluster {
  cluster: Cluster
  copies: ClusterNode[]
  questions: Questions
  stop(): Promise<void>
}

export async function startAskedCluster(
  stores: { adminDatabaseUrl: string; redisUrl: string },
  { apis }: { apis: number },
): Promise<AskedCluster> {
  const env = { api: { MAX_ATTEMPTS: `${MAX_ATTEMPTS}`, LEASES_INTERVAL_MS: '100' } }
  const cluster = await startCluster({ ...stores, apis, gateways: 2, env })
  const copies: ClusterNode[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(copies.map((copy) => copy.kill()))
    await cluster.stop()
  }
  try {
    const urls = cluster.apis.map(({ url }) => url)
    const owner = await signIn(urls[0] ?? '', 'Ada')
    const questions = new Questions({ apis: () => urls, owner, space: freshId('asked'), bot: freshId('teller') })
    await questions.begin()
    for (const [index, gateway] of cluster.gateways.entries()) {
      const { token } = await questions.newSession()
      const syncUrl = `${gateway.url.replace('http', 'ws')}/v1/sync`
      copies.push(
        await copyOf(`bot-${index + 1}`, { apiUrl: urls[index % urls.length] ?? '', syncUrl, token }, cluster),
      )
    }
    await Promise.all(copies.map((copy) => copy.start()))
    return { cluster, copies, questions, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A copy that is not started yet. */
export async function copyOf(
  name: string,
  { apiUrl, syncUrl, token }: { apiUrl: string; syncUrl: string; token: string },
  { logs, leaseMs = 1_500 }: { logs: string; leaseMs?: number },
): Promise<ClusterNode> {
  const env = { API_URL: apiUrl, SYNC_URL: syncUrl, BOT_TOKEN: token, LEASE_MS: `${leaseMs}` }
  return new ClusterNode(name, 'test/bots/telling-bot.ts', await freePort(), env, `${logs}/${name}.log`)
}
