/**
 * The three things that are compared, each the same for every system: a space that many watch, idle connections, and
 * clients that are cut off again and again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@rhizom/infra/local/until.ts'
import type { Crowd } from './crowd-process.ts'
import type { CrowdReport } from './crowd.ts'
import { markedText } from './marks.ts'
import type { Peer, RunningPeer } from './peer.ts'
import { cpuMs, residentBytes } from './proc.ts'

export interface FanOutPlan {
  watchers: number
  rate: number
  seconds: number
}
export interface JitterPlan {
  clients: number
  rate: number
  everySeconds: number
  awaySeconds: number
  seconds: number
}

/** As measured; shares and percentiles are made of it in report.ts. */
export interface Delivery extends CrowdReport {
  sent: number
  seconds: number
  serverCpuMs: number
  /** Share of its core that the server used. */
  serverBusy: number
}

export interface Idle {
  connections: number
  bytesEach: number
}

const WARM_UP_SECONDS = 3
const ARRIVES_WITHIN_MS = 60_000
/** Of those who promise nothing what is not there by now will not come. */
const GIVEN_UP_WITHIN_MS = 4_000
/** Above this many a second several are written at once, as a busy system would get them. */
const TICKS_A_SECOND = 250
const MOST_TOGETHER = 100

/**
 * Writes at an even pace, in order; how many. While something is being accepted, what is due meanwhile waits and goes
 * together, as it does in every client that keeps an order.
 */
async function write(peer: Peer, running: RunningPeer, topic: string, rate: number, seconds: number): Promise<number> {
  const each = Math.ceil(rate / TICKS_A_SECOND)
  const everyMs = (1_000 * each) / rate
  const ticks = Math.round((seconds * 1_000) / everyMs)
  const startedAt = performance.now()
  const waiting: string[] = []
  let underWay: Promise<void> | undefined
  const send = async (): Promise<void> => {
    while (waiting.length > 0) await running.publish(topic, waiting.splice(0, MOST_TOGETHER))
  }
  for (let tick = 0; tick < ticks; tick += 1) {
    await sleep(Math.max(0, startedAt + tick * everyMs - performance.now()))
    const nowMs = Date.now()
    for (let i = 1; i <= each; i += 1) waiting.push(markedText(tick * each + i, nowMs, peer.textBytes))
    // A failure shows when it is waited for, at the end.
    underWay ??= send().finally(() => (underWay = undefined))
    underWay.catch(() => undefined)
  }
  while (underWay !== undefined) await underWay
  return ticks * each
}

async function deliver(
  peer: Peer,
  running: RunningPeer,
  crowd: Crowd,
  topic: string,
  { rate, seconds }: { rate: number; seconds: number },
  meanwhile: () => Promise<void>,
): Promise<Delivery> {
  await crowd.tell({ order: 'measure' })
  const cpuBefore = cpuMs(running.pid)
  const startedAt = performance.now()
  const [sent] = await Promise.all([write(peer, running, topic, rate, seconds), meanwhile()])
  let report = await crowd.report()
  const due = sent * report.clients
  await until(
    async () => {
      report = await crowd.report()
      return report.delivered >= due
    },
    { withinMs: peer.recovers ? ARRIVES_WITHIN_MS : GIVEN_UP_WITHIN_MS, everyMs: 200 },
  )
  const serverCpuMs = cpuMs(running.pid) - cpuBefore
  const tookMs = performance.now() - startedAt
  return { ...report, sent, seconds, serverCpuMs, serverBusy: serverCpuMs / tookMs }
}

async function gather(peer: Peer, running: RunningPeer, crowd: Crowd, count: number): Promise<string> {
  const topic = await running.topic()
  const { url, tokens } = running
  await crowd.tell({ order: 'open', url, topic, dialect: peer.dialect, count, tokens })
  return topic
}

/** Code runs slowly at first: what was heard while it warms up does not count. */
async function warmUp(peer: Peer, running: RunningPeer, topic: string, rate: number, seconds: number): Promise<void> {
  await write(peer, running, topic, rate, seconds)
  await sleep(500)
}

export async function fanOut(peer: Peer, running: RunningPeer, crowd: Crowd, plan: FanOutPlan): Promise<Delivery> {
  const topic = await gather(peer, running, crowd, plan.watchers)
  await warmUp(peer, running, topic, plan.rate, Math.min(WARM_UP_SECONDS, plan.seconds))
  const delivery = await deliver(peer, running, crowd, topic, plan, () => Promise.resolve())
  await crowd.tell({ order: 'close' })
  return delivery
}

export async function jitter(peer: Peer, running: RunningPeer, crowd: Crowd, plan: JitterPlan): Promise<Delivery> {
  const topic = await gather(peer, running, crowd, plan.clients)
  await warmUp(peer, running, topic, plan.rate, 1)
  const cut = {
    order: 'cut',
    everyMs: plan.everySeconds * 1_000,
    awayMs: plan.awaySeconds * 1_000,
    forMs: plan.seconds * 1_000,
  } as const
  const delivery = await deliver(peer, running, crowd, topic, plan, () => crowd.tell(cut))
  await crowd.tell({ order: 'close' })
  return delivery
}

const SETTLE_MS = 3_000

export async function idle(peer: Peer, running: RunningPeer, crowd: Crowd, connections: number): Promise<Idle> {
  // A few first, so that what every process fills once is not laid to the account of the rest.
  await gather(peer, running, crowd, 50)
  await crowd.tell({ order: 'close' })
  await sleep(SETTLE_MS / 2)
  const before = residentBytes(running.pid)
  await gather(peer, running, crowd, connections)
  await sleep(SETTLE_MS)
  const bytesEach = (residentBytes(running.pid) - before) / connections
  await crowd.tell({ order: 'close' })
  return { connections, bytesEach }
}
