/**
 * `npm run versus`: rhizom beside its peers, in one run on one machine, with one client and one oracle. It gets what
 * can be had, starts each in its turn, measures, and writes a table, a picture and the raw figures.
 *
 *   exit code 0  it is written
 *             1  something went wrong, or rhizom lost, doubled or disordered something
 *             2  the arguments are not understood
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenForEnd } from '@rhizom/infra/local/endings.ts'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'
import { chosen, parseVersus, type ProfileName, VERSUS_USAGE, type VersusPlan } from './arguments.ts'
import { versusChart } from './chart.ts'
import { startCrowd } from './crowd-process.ts'
import type { Peer } from './peer.ts'
import { PEERS } from './peers.ts'
import { fanOut, idle, jitter } from './profiles.ts'
import { type Facts, markdownReport } from './report.ts'
import { type Discarded, discardReason, type Measured, rowsOf } from './results.ts'

const say = (text: string): void => void process.stdout.write(`versus: ${text}\n`)
const watch = startGuard()
const stop = new AbortController()
listenForEnd({
  withParent: false,
  onEnd: (why) => {
    say(`ending: ${why}`)
    stop.abort()
  },
  onForce: () => process.exit(1),
})

process.exitCode = await main(process.argv.slice(2))
watch.close()

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(`${VERSUS_USAGE}\n`)
    return 0
  }
  const parsed = parseVersus(argv)
  const names = parsed.ok
    ? chosen(
        PEERS.map(({ name }) => name),
        parsed.value.only,
      )
    : undefined
  if (!parsed.ok || names === undefined) {
    const problem = parsed.ok ? `there is one of these not: ${parsed.value.only.join(', ')}` : parsed.problem
    process.stderr.write(`${problem}\n\n${VERSUS_USAGE}\n`)
    return 2
  }
  try {
    return await compare(
      parsed.value,
      PEERS.filter(({ name }) => names.includes(name)),
      `npm run versus${argv.length > 0 ? ` -- ${argv.join(' ')}` : ''}`,
    )
  } catch (error) {
    process.stderr.write(`No comparison: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** The words that pin a program to a core, where there are two and a way to. */
function onCore(core: number): string[] {
  const pins = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0
  return pins ? ['taskset', '-c', String(core)] : []
}

interface Turn {
  profile: ProfileName
  load: string
  connections: number
  measure: (peer: Peer, around: Parameters<typeof fanOut>[1], crowd: Parameters<typeof fanOut>[2]) => Promise<object>
}

function turnsOf({ profiles, fanOut: plans, idleConnections, jitter: storm }: VersusPlan): Turn[] {
  const all: Turn[] = [
    ...plans.map((plan): Turn => {
      const load = `${plan.watchers} watchers, ${plan.rate} changes/s`
      const measure: Turn['measure'] = async (...who) => ({ delivery: await fanOut(...who, plan) })
      return { profile: 'fan-out', load, connections: plan.watchers, measure }
    }),
    {
      profile: 'jitter',
      load: `${storm.clients} clients, cut every ${storm.everySeconds} s for ${storm.awaySeconds} s, ${storm.rate} changes/s`,
      connections: storm.clients,
      measure: async (...who) => ({ delivery: await jitter(...who, storm) }),
    },
    {
      profile: 'idle',
      load: `${idleConnections} connections`,
      connections: idleConnections,
      measure: async (...who) => ({ idle: await idle(...who, idleConnections) }),
    },
  ]
  return all.filter(({ profile }) => profiles.includes(profile))
}

async function compare(plan: VersusPlan, asked: readonly Peer[], command: string): Promise<number> {
  const cache = join(repository, '.local/cache/peers')
  mkdirSync(cache, { recursive: true })
  const discarded: Discarded[] = []
  const peers: (Facts['peers'][number] & { peer: Peer })[] = []
  for (const peer of asked) {
    const got = await peer.get(cache, say)
    if (got.ok) peers.push({ name: peer.name, version: got.version, settings: peer.settings, peer })
    else {
      say(`${peer.name} is not compared: ${got.why}`)
      discarded.push({ what: peer.name, why: got.why })
    }
  }
  const loadBefore = loadavg()[0] ?? 0
  const measured: Measured[] = []
  for (let round = 1; round <= plan.rounds; round += 1) {
    // Each measurement has a server of its own, but where there is no time for that.
    const turns = turnsOf(plan)
    for (const group of plan.quick ? [turns] : turns.map((turn) => [turn])) {
      // Another begins each round, so that nobody always has the machine as the one before left it.
      for (const i of peers.keys()) {
        const one = peers[(i + round - 1) % peers.length]
        if (one === undefined || stop.signal.aborted) continue
        await measureInTurn(one.peer, group, round, cache, measured, discarded)
      }
    }
  }
  if (measured.length === 0) throw new Error('nothing was measured')
  const load = `load of the machine before and after ${loadBefore.toFixed(1)} and ${(loadavg()[0] ?? 0).toFixed(1)}`
  const facts: Facts = {
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'cores'}, Node ${process.version}, ${load}`,
    command,
    note:
      plan.note ??
      (plan.quick ? 'A quick run: it shows that all of it works, and its figures mean little.' : undefined),
    peers: peers.map(({ name, version, settings }) => ({ name, version, settings })),
    discarded,
  }
  return write(plan, measured, facts)
}

async function measureInTurn(
  peer: Peer,
  turns: readonly Turn[],
  round: number,
  cache: string,
  measured: Measured[],
  discarded: Discarded[],
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rhizom-versus-'))
  const [onServerCore, onOtherCore] = [onCore(0), onCore(1)]
  const redis = await startRedis({ directory: join(directory, 'redis'), watch })
  const crowd = startCrowd(onOtherCore)
  let what = `${peer.name}, start, round ${round}`
  try {
    const around = { directory, cache, redisUrl: redis.url, onServerCore, onOtherCore, watch, say }
    const connections = Math.max(...turns.map((turn) => turn.connections))
    const running = await peer.start({ ...around, connections })
    try {
      for (const turn of turns) {
        what = `${peer.name}, ${turn.profile}, ${turn.load}, round ${round}`
        say(what)
        const result = await turn.measure(peer, running, crowd)
        const one = { profile: turn.profile, peer: peer.name, round, load: turn.load, ...result }
        if (!isMeasured(one)) throw new Error('nothing was measured')
        const why = discardReason(one)
        if (why === undefined) measured.push(one)
        else discarded.push({ what, why })
      }
    } finally {
      await running.stop()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    say(`${what}: ${why}`)
    discarded.push({ what, why })
  } finally {
    crowd.end()
    await redis.stop()
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

function isMeasured(one: object): one is Measured {
  return 'profile' in one && ('delivery' in one || 'idle' in one)
}

function write(plan: VersusPlan, measured: readonly Measured[], facts: Facts): number {
  const rows = rowsOf(measured)
  const table = markdownReport(rows, facts)
  const words = `${facts.at}, ${facts.machine}${facts.note === undefined ? '' : `; ${facts.note}`}`
  const folders = [
    process.env['RHIZOM_VERSUS_DIR'] ?? join(repository, '.local/versus'),
    ...(plan.publish ? [join(repository, 'docs')] : []),
  ]
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'versus.md'), table)
    writeFileSync(join(folder, 'versus.svg'), versusChart(rows, words))
    writeFileSync(join(folder, 'versus.json'), `${JSON.stringify({ ...facts, plan, rows, measured })}\n`)
  }
  process.stdout.write(`\n${table}\n`)
  say(`written to ${folders.join(' and ')}`)
  const ours = rows.filter(({ peer, profile }) => peer === 'rhizom' && profile !== 'idle')
  const wrong = ours.some(({ lost = 0, twice = 0, outOfOrder = 0 }) => lost + twice + outOfOrder > 0)
  if (wrong) say('rhizom lost, doubled or disordered something')
  return wrong || stop.signal.aborted ? 1 : 0
}
