/**
 * What streams of tokens cost: so many say 60 tokens a second at once, each in a space of its own and watched by 50
 * connections, by a bot each or by two copies of `one` bot. For each number of streams a line: changes a second of
 * a stream, how late each token is on a screen beyond the 50 ms for which words are gathered, and what an append costs
 * of whose processor time. A number holds within 20 changes a second and with p95 within 60 ms beyond the gathering.
 *
 *   node test/measure/token-streams.ts [100,60,40,20,10] [seconds] [each|one]
 */
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { WebSocket } from 'ws'
import { type Cluster, ClusterNode, freePort, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { processorSeconds } from './processor-time.ts'
import { startStores, type Stores } from './services.ts'

const PER_SECOND = 60
const WATCHERS = 50
const GATHERED_MS = 50
const ADDED_WITHIN_MS = 60
const CHANGES_A_SECOND = 20
/** Settles, and is not counted. */
const WARM_MS = 2_000

const counts = (process.argv[2] ?? '100,60,40,20,10').split(',').map(Number)
const seconds = Number(process.argv[3] ?? 10)
const isOneBot = process.argv[4] === 'one'
const COPIES = 2
/** One bot says what many may. */
const UNBOUNDED = { MUTATIONS_PER_SECOND: '100000', MUTATIONS_BURST: '100000' }
const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Seen {
  /** Of each token, how late it was seen. */
  delays: number[]
  /** When changes of the stream came. */
  changes: number[]
}

/** Watches some spaces, and notes down what comes of the first. */
function watch(gateway: string, token: string, spaces: readonly string[], isCounted: () => boolean, seen: Seen) {
  const socket = new WebSocket(`${gateway.replace('http', 'ws')}/v1/sync`)
  const [own = ''] = spaces
  let answers = 0
  socket.on('error', () => undefined)
  socket.on('open', () => {
    const frames = spaces.map((space) => ({ type: 'subscribe', space, present: false }))
    socket.send([{ type: 'hello', protocol: 1, token }, ...frames].map((frame) => JSON.stringify(frame)).join('\n'))
  })
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data) => {
    const text = Buffer.isBuffer(data) ? data.toString() : ''
    if (answers < spaces.length) answers += text.split('"type":"snapshot"').length - 1
    if (!isCounted() || !text.includes(`"space":"${own}"`)) return
    const now = Date.now()
    for (const line of text.split('\n')) {
      if (!line.includes(`"space":"${own}"`)) continue
      for (const [, said = ''] of line.matchAll(/"kind":"intention\.append".*?"text":"([^"]*)"/g)) {
        seen.changes.push(now)
        for (const at of said.split(' ')) if (at !== '') seen.delays.push(now - Number(at))
      }
    }
  })
  return { isReady: (): boolean => answers >= spaces.length, close: (): void => socket.terminate() }
}

const share = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

/** The most changes in any second. */
function mostInASecond(times: readonly number[]): number {
  let [most, from] = [0, 0]
  for (const [index, at] of times.entries()) {
    while ((times[from] ?? at) <= at - 1000) from += 1
    most = Math.max(most, index - from + 1)
  }
  return most
}

async function postmaster(databaseUrl: string): Promise<number> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  try {
    const [row] = await sql<{ data_directory: string }[]>`show data_directory`
    return Number(readFileSync(`${row?.data_directory}/postmaster.pid`, 'utf8').split('\n')[0])
  } finally {
    await sql.end()
  }
}

async function redisProcess(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
  } finally {
    redis.disconnect()
  }
}

async function beginSpaces(cluster: Cluster, owner: Session, count: number) {
  const api = cluster.apis[0]?.url ?? ''
  const spaces = Array.from({ length: count }, () => freshId('stream'))
  const bots = Array.from({ length: isOneBot ? 1 : count }, () => freshId('speaker'))
  const args = { type: 'bot', name: 'Speaker', properties: { wakes: 'all' } }
  const tokens: string[] = []
  for (const [index, space] of spaces.entries()) {
    await apply(api, owner.token, { space, name: 'space.create', args: { name: 'Stream' } })
    const id = bots[index]
    if (id !== undefined) await apply(api, owner.token, { space, name: 'being.create', args: { id, ...args } })
  }
  for (const being of isOneBot ? Array.from({ length: COPIES }, () => bots[0] ?? '') : bots) {
    const answer = await call<Session>(api, 'POST', '/v1/sessions', { token: owner.token, body: { being } })
    tokens.push(answer.body.token)
  }
  return { spaces, bots, tokens }
}

async function measure(stores: Stores, count: number): Promise<boolean> {
  const cluster = await startCluster({ ...stores, apis: 2, gateways: 2, env: { api: isOneBot ? UNBOUNDED : {} } })
  const closing: (() => void)[] = []
  let bots: ClusterNode | undefined
  try {
    const owner = await signIn(cluster.apis[0]?.url ?? '', 'Owner')
    const { spaces, bots: beings, tokens } = await beginSpaces(cluster, owner, count)
    const env = {
      API_URLS: cluster.apis.map(({ url }) => url).join(','),
      SYNC_URLS: cluster.gateways.map(({ url }) => `${url.replace('http', 'ws')}/v1/sync`).join(','),
      BOT_TOKENS: tokens.join(','),
      PER_SECOND: `${PER_SECOND}`,
      AT_ONCE: `${isOneBot ? Math.ceil(count / COPIES) : 1}`,
      APPENDS_PER_SECOND: '100000',
    }
    const log = `${cluster.logs}/bots.log`
    bots = new ClusterNode('bots', 'test/measure/streaming-bots.ts', await freePort(), env, log)
    await bots.start()
    let isCounted = false
    const seen: Seen[] = spaces.map(() => ({ delays: [], changes: [] }))
    // Each connection watches the streams behind its own, around: so that each stream has its watchers.
    const connections = Math.max(count, WATCHERS)
    const each = Math.min(count, WATCHERS)
    const watchers = Array.from({ length: connections }, (_, index) => {
      const watched = Array.from({ length: each }, (_, place) => spaces[(index + place) % count] ?? '')
      const own = index < count ? seen[index] : undefined
      const gateway = cluster.gateways[index % 2]?.url ?? ''
      return watch(gateway, owner.token, watched, () => isCounted, own ?? { delays: [], changes: [] })
    })
    closing.push(...watchers.map(({ close }) => close))
    await eventually('everybody watches', () => watchers.every(({ isReady }) => isReady()), 60_000)

    const lastFor = seconds + (2 * WARM_MS) / 1000 + (isOneBot ? count / 20 : 0)
    for (const space of spaces) {
      // A bot is asked where it is, and answers there when it has moved on.
      const moved = { space, name: 'being.move', args: { id: beings[0] } }
      if (isOneBot) await apply(cluster.apis[0]?.url ?? '', owner.token, moved)
      await apply(cluster.apis[0]?.url ?? '', owner.token, utterance(space, `speak ${lastFor}`))
    }
    await sleep(WARM_MS)
    const pids = {
      Redis: [await redisProcess(stores.redisUrl)],
      Postgres: [await postmaster(cluster.databaseUrl)],
      api: cluster.apis.map(({ pid }) => pid),
      gateways: cluster.gateways.map(({ pid }) => pid),
      bots: [bots.pid],
      watchers: [process.pid],
    }
    const used = () =>
      Object.entries(pids).map(([name, all]) => ({ name, spent: all.reduce((sum, pid) => sum + own(pid), 0) }))
    const own = (pid: number): number =>
      pid === process.pid ? process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 : processorSeconds(pid)
    const before = used()
    isCounted = true
    await sleep(seconds * 1000)
    isCounted = false
    const spent = used().map(({ name, spent: after }, index) => ({ name, took: after - (before[index]?.spent ?? 0) }))
    const whole = spent.reduce((sum, { took }) => sum + took, 0)
    const delays = seen.flatMap((one) => one.delays).sort((a, b) => a - b)
    const tokensASecond = delays.length / seconds / count
    const most = Math.max(...seen.map(({ changes }) => mostInASecond(changes)))
    const changes = seen.reduce((sum, one) => sum + one.changes.length, 0) / seconds / count
    const added = share(delays, 0.95) - GATHERED_MS
    const appends = changes * count * seconds
    const msOf = (took: number): string => ((took / appends) * 1000).toFixed(2)
    const holds = added <= ADDED_WITHIN_MS && changes <= CHANGES_A_SECOND && tokensASecond > PER_SECOND * 0.95
    say(
      `${String(count).padStart(7)}  ${tokensASecond.toFixed(1).padStart(8)}  ${changes.toFixed(1).padStart(9)}  ${String(most).padStart(4)}  ` +
        `${share(delays, 0.5).toFixed(0).padStart(6)}  ${share(delays, 0.95).toFixed(0).padStart(6)}  ${added.toFixed(0).padStart(6)}  ` +
        `${(appends / seconds).toFixed(0).padStart(9)}  ${msOf(whole)} ms an append: ` +
        `${spent.map(({ name, took }) => `${name} ${msOf(took)}`).join(', ')}; ${(whole / seconds).toFixed(2)} processors, ` +
        `load ${loadavg()[0]?.toFixed(0)} on ${cpus().length}  ${holds ? 'holds' : 'does not hold'}`,
    )
    return holds
  } finally {
    for (const close of closing) close()
    await bots?.kill()
    await cluster.stop()
  }
}

const stores = await startStores()
try {
  say('streams  tokens/s  changes/s  most     p50     p95  beyond    appends  processor time')
  say('         a stream   a stream  in 1 s     ms      ms  gathering a second')
  for (const count of counts) if (await measure(stores, count)) break
} finally {
  await stores.stop()
}
