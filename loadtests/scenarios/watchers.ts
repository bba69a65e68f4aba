/** A virtual user that holds the sockets of several clients: connect → see every change → compare with the log. */
import { clearInterval, setInterval, setTimeout } from 'k6/timers'
import { measures } from './measures.ts'
import { clientsOf, type Plan } from './plan.ts'
import { readLog, type SpacePlace } from './rest.ts'
import type { Run } from './run-setup.ts'
import { openScreenClient, type ScreenClient } from './screen-client.ts'
import { shortName } from './watched-space.ts'

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 1)))

interface Watching {
  client: number
  place: SpacePlace
  token: string
  screen: ScreenClient
  /** Who is here at the end. */
  visitors: ReadonlySet<string>
}

export async function watchSpaces(plan: Plan, run: Run, watcher: number): Promise<void> {
  const watching = clientsOf(plan, watcher).flatMap(({ client, space, gateway }): Watching[] => {
    const place = run.spaces[space]
    const session = run.clients[client]
    const url = plan.gateways[gateway]
    if (place === undefined || session === undefined || url === undefined) return []
    const where = { gateway: url, gatewayNumber: gateway + 1, space: place.id, begins: place }
    const visitors = new Set(run.visitors.filter((_, i) => i % plan.spaces === space).map(({ being }) => being))
    const screen = openScreenClient({ ...where, token: session.token })
    return [{ client, place, token: session.token, screen, visitors }]
  })
  const endCuts = cutAgainAndAgain(plan, run, watching)
  await delay(run.lastWriteAt - Date.now())
  endCuts()
  const watched = new Map(watching.map(({ place, token }) => [place, token]))
  const logs = await finishedLogs(plan, run, watched)
  const headOf = (place: SpacePlace): number => place.version + (logs.get(place.id)?.length ?? 0)
  const isLevel = ({ place, screen, visitors }: Watching): boolean =>
    screen.version() >= headOf(place) && (plan.churn === undefined || screen.rosterFaults(visitors) === 0)
  const endAt = Date.now() + plan.settleSeconds * 1_000
  while (Date.now() < endAt && !watching.every(isLevel)) await delay(50)
  for (const { place, screen, visitors } of watching) {
    const log = logs.get(place.id) ?? []
    measures.changesOwed.add(log.length)
    measures.changesBySnapshot.add(screen.bySnapshot())
    measures.changesLost.add(screen.lost(log))
    if (plan.churn !== undefined) measures.presenceWrong.add(screen.rosterFaults(visitors))
    measures.clientsChecked.add(1)
    screen.close()
  }
}

/** Cuts each client off in its own turn; what ends it. */
function cutAgainAndAgain(plan: Plan, run: Run, watching: readonly Watching[]): () => void {
  const { cuts } = plan
  if (cuts === undefined) return () => undefined
  const everyMs = cuts.everySeconds * 1_000
  const timers: ReturnType<typeof setInterval>[] = []
  for (const { client, screen } of watching) {
    const turnMs = (everyMs * client) / plan.clients
    setTimeout(
      () => {
        if (Date.now() >= run.lastWriteAt) return
        screen.cut(cuts.awaySeconds * 1_000)
        timers.push(setInterval(() => screen.cut(cuts.awaySeconds * 1_000), everyMs))
      },
      Math.max(1, run.firstWriteAt + turnMs - Date.now()),
    )
  }
  return () => timers.forEach((timer) => clearInterval(timer))
}

/** The logs of spaces, as short names, once they have stopped growing. */
export async function finishedLogs(
  plan: Plan,
  run: Run,
  watched: ReadonlyMap<SpacePlace, string>,
): Promise<Map<string, number[]>> {
  const read = [...watched].map(
    async ([place, token]) => [place.id, await finishedLog(plan, run, token, place)] as const,
  )
  return new Map(await Promise.all(read))
}

/** The log of a space once it has stopped growing: a slow system still answers some writers after the last second. */
async function finishedLog(plan: Plan, run: Run, token: string, place: SpacePlace): Promise<number[]> {
  const log: number[] = []
  const endAt = run.lastWriteAt + plan.settleSeconds * 1_000
  for (;;) {
    const grown = await readLog(plan.api[0] ?? '', token, { ...place, version: place.version + log.length })
    log.push(...grown.map(shortName))
    if (grown.length === 0 || Date.now() > endAt) return log
    await delay(1_000)
  }
}
