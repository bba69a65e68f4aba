/**
 * Write to screen: K clients, spread over all gateways, watch S spaces while W writers post to the api. Started by
 * `npm run loadtest`, which gives the plan in RHIZOM_PLAN.
 *
 *   setup     sessions, spaces, the place each space begins at
 *   watchers  connect → see every change → compare what was seen with the log
 *   writers   wait for the clients → post at an even pace → compare what was acknowledged with the log
 *
 * Acknowledged writes are in the log (writers), and every client saw the log as it is (watchers): so nothing
 * acknowledged is missing on any screen. From commit to screen is this machine's clock when the message is handled
 * minus the database's clock at commit (`at` of the change): one and the same clock where all of it runs on one
 * machine; else the difference of the two clocks is part of the figure. Its resolution is one millisecond.
 */
import { sleep } from 'k6'
import execution from 'k6/execution'
import type { Options } from 'k6/options'
import { setTimeout } from 'k6/timers'
import { measures, thresholdsOf } from './measures.ts'
import { clientsOf, creatorOf, readPlan, spacesOf, writeTimesMs } from './plan.ts'
import { htmlReport } from './report-html.ts'
import { type Figures, figuresOf, textReport } from './report.ts'
import { apply, openSessions, postMutation, readLog, readSpace, type Session, type SpacePlace } from './rest.ts'
import { openScreenClient, type ScreenClient } from './screen-client.ts'
import { shortName } from './watched-space.ts'
import { type Mutation, uuidV7 } from './wire.ts'

const plan = readPlan(__ENV['RHIZOM_PLAN'])
const wholeSeconds = plan.connectSeconds + plan.durationSeconds + 3 * plan.settleSeconds + 30

const perVu = { executor: 'per-vu-iterations', iterations: 1, maxDuration: `${wholeSeconds}s` } as const

export const options: Options = {
  setupTimeout: '180s',
  scenarios: {
    watchers: { ...perVu, vus: plan.watcherVus, exec: 'watch' },
    writers: { ...perVu, vus: plan.writers, exec: 'write' },
  },
  thresholds: thresholdsOf(plan),
  summaryTrendStats: [
    'min',
    'avg',
    'med',
    'p(5)',
    'p(25)',
    'p(75)',
    'p(90)',
    'p(95)',
    'p(99)',
    'p(99.9)',
    'max',
    'count',
  ],
}

interface Run {
  spaces: SpacePlace[]
  writers: Session[]
  clients: Session[]
  firstWriteAt: number
  lastWriteAt: number
}

const newId = (): string => uuidV7(Date.now(), Math.random)
const apiOf = (index: number): string => plan.api[index % plan.api.length] ?? ''
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 1)))

export function setup(): Run {
  const run = newId().slice(-8)
  const numbered = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${prefix} ${i + 1}`)
  const writers = openSessions(apiOf(0), numbered('Writer', plan.writers))
  const clients = openSessions(apiOf(0), numbered('Client', plan.clients))
  const reader = writers[0]
  if (reader === undefined) throw new Error('no writer')

  const ids = Array.from({ length: plan.spaces }, (_, i) => `@load-${run}-${i + 1}`)
  for (const [i, space] of ids.entries()) {
    const args = { name: `Load ${run} ${i + 1}`, visibility: 'public' }
    const creator = writers[creatorOf(plan, i)] ?? reader
    apply(apiOf(0), creator.token, { id: newId(), space, name: 'space.create', args })
  }
  for (const [i, writer] of writers.entries()) {
    const space = ids[spacesOf(plan, i)[0] ?? 0] ?? ''
    apply(apiOf(0), writer.token, { id: newId(), space, name: 'being.move', args: { id: writer.being } })
  }
  const spaces = ids.map((id) => readSpace(apiOf(0), reader.token, id))
  const firstWriteAt = Date.now() + plan.connectSeconds * 1_000
  return { spaces, writers, clients, firstWriteAt, lastWriteAt: firstWriteAt + plan.durationSeconds * 1_000 }
}

/** One virtual user that holds the sockets of several clients. */
export async function watch(run: Run): Promise<void> {
  const watching = clientsOf(plan, execution.scenario.iterationInTest).flatMap(({ client, space, gateway }) => {
    const place = run.spaces[space]
    const session = run.clients[client]
    const url = plan.gateways[gateway]
    if (place === undefined || session === undefined || url === undefined) return []
    const where = { gateway: url, gatewayNumber: gateway + 1, space: place.id, begins: place }
    return [{ place, session, screen: openScreenClient({ ...where, token: session.token }) }]
  })
  await delay(run.lastWriteAt - Date.now())
  const watched = new Map(watching.map(({ place, session }) => [place, session.token]))
  const logs = new Map(
    await Promise.all(
      [...watched].map(async ([place, token]) => [place.id, await finishedLog(token, place, run.lastWriteAt)] as const),
    ),
  )
  await level(
    watching.map(({ place, screen }) => ({ screen, head: place.version + (logs.get(place.id)?.length ?? 0) })),
    Date.now() + plan.settleSeconds * 1_000,
  )
  for (const { place, screen } of watching) {
    const log = logs.get(place.id) ?? []
    measures.changesOwed.add(log.length)
    measures.changesBySnapshot.add(screen.bySnapshot())
    measures.changesLost.add(screen.lost(log))
    measures.clientsChecked.add(1)
    screen.close()
  }
}

/** The log of a space once it has stopped growing: a slow system still answers some writers after the last second. */
async function finishedLog(token: string, place: SpacePlace, lastWriteAt: number): Promise<number[]> {
  const log: number[] = []
  const endAt = lastWriteAt + plan.settleSeconds * 1_000
  for (;;) {
    const grown = await readLog(apiOf(0), token, { ...place, version: place.version + log.length })
    log.push(...grown.map(shortName))
    if (grown.length === 0 || Date.now() > endAt) return log
    await delay(1_000)
  }
}

/** Until every client has reached the head of its log, or the time is up. */
async function level(clients: readonly { screen: ScreenClient; head: number }[], endAt: number): Promise<void> {
  while (Date.now() < endAt && clients.some(({ screen, head }) => screen.version() < head)) await delay(50)
}

/** One writer: one virtual user, one actor. */
export async function write(run: Run): Promise<void> {
  const number = execution.scenario.iterationInTest
  const session = run.writers[number]
  const spaces = spacesOf(plan, number).flatMap((i) => run.spaces[i] ?? [])
  if (session === undefined || spaces.length === 0) throw new Error(`no writer ${number}`)
  const { firstMs, everyMs } = writeTimesMs(plan, number)
  const acknowledged = new Map<string, Map<number, string>>(spaces.map(({ id }) => [id, new Map<number, string>()]))

  for (let n = 0; ; n += 1) {
    const dueAt = run.firstWriteAt + firstMs + n * everyMs
    if (Math.max(dueAt, Date.now()) >= run.lastWriteAt) break
    if (dueAt > Date.now()) sleep((dueAt - Date.now()) / 1_000)
    const space = spaces[n % spaces.length]?.id ?? ''
    const args = { id: newId(), type: 'utterance', content: [`Writer ${number + 1} says ${n + 1}`] }
    const mutation: Mutation = { id: newId(), space, name: 'intention.create', args }
    const version = acknowledgedVersion(apiOf(number), session.token, mutation, run.lastWriteAt)
    if (version === undefined) measures.writesRefused.add(1)
    else {
      measures.writesAcknowledged.add(1)
      acknowledged.get(space)?.set(version, mutation.id)
    }
  }
  for (const place of spaces) {
    const log = await readLog(apiOf(number), session.token, place)
    let missing = 0
    for (const [version, id] of acknowledged.get(place.id) ?? [])
      if (log[version - place.version - 1] !== id) missing += 1
    measures.acknowledgedMissing.add(missing)
  }
  measures.writersChecked.add(1)
}

/** Posts until the api says what became of it, always with the same id. The version it got, or undefined. */
function acknowledgedVersion(api: string, token: string, mutation: Mutation, lastWriteAt: number): number | undefined {
  for (;;) {
    const answer = postMutation(api, token, mutation)
    if (answer.status === 200) {
      measures.postToAnswer.add(answer.timings.duration)
      const status = answer.json('results.0.status')
      const version = answer.json('results.0.version')
      if (status !== 'rejected' && typeof version === 'number') return version
      console.error(`rejected: ${answer.body.slice(0, 300)}`)
      return undefined
    }
    const mayHelp = answer.status === 0 || answer.status === 429 || answer.status >= 500
    if (!mayHelp || Date.now() > lastWriteAt + 1_000) {
      console.error(`not acknowledged: ${answer.status} ${answer.body.slice(0, 300)}`)
      return undefined
    }
    sleep(answer.status === 429 ? Number(answer.json('retryAfterMs') ?? 1_000) / 1_000 : 0.2)
  }
}

/** Text for the screen, everything for machines, a page for people. */
export function handleSummary(data: unknown): Record<string, string> {
  const figures: Figures = figuresOf(data, plan)
  const folder = __ENV['RHIZOM_REPORT'] ?? '.local/loadtest'
  return {
    stdout: textReport(figures),
    [`${folder}/write-to-screen.json`]: JSON.stringify({ plan, figures, k6: data }, null, 2),
    [`${folder}/write-to-screen.html`]: htmlReport(figures),
  }
}
