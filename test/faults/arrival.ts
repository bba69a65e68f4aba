/**
 * Brings the clients in: makes the spaces, signs everybody in, places those who stay and invites those who come and go.
 * Nobody is connected yet when it is done.
 */
import { LIMITS } from '@rhizom/protocol'
import { apply, type Session, signIn } from '../wire/api-caller.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { socketCarrier } from './socket-carrier.ts'
import { pollingCarrier } from './polling-connection.ts'
import { streamCarrier } from './stream-connection.ts'
import type { Attendance } from './presence/attendance.ts'
import { Visitors } from './presence/visitors.ts'
import { type Random, seeded } from '../kit/chance.ts'
import { cellarOf, type Placement, placements, type Spaces } from './client-placement.ts'
import { SpaceLog } from './space-log.ts'
import type { Rig } from './rig.ts'
import { Watcher, type WatcherOptions } from './watcher.ts'
import { type Pace, Writer } from './writer.ts'

/** What the api nodes of the rig are told (run-setup.ts). */
export const SNAPSHOT_SIZE = { intentions: LIMITS.snapshotIntentions, bytes: 1024 * 1024 } as const

const REGULARS = 5
const GUESTS = 8

/** Where they arrive, and who is told what becomes of them. */
export interface Venue {
  rig: Rig
  spaces: Spaces
  allSpaces: readonly string[]
  pace: Pace
  acknowledgements: Acknowledgements
  attendance: Attendance
  /** Api nodes that may be called just now. */
  apis(): readonly string[]
  /** Everybody who watches by now. */
  pages(): readonly Watcher[]
  closed(page: Watcher): void
}

export interface Arrived {
  owner: Session
  writers: Writer[]
  watchers: Watcher[]
  visitors: Visitors
  logs: Map<string, SpaceLog>
}

export async function arrive(venue: Venue, random: Random, counts: { writers: number }): Promise<Arrived> {
  const { rig, spaces, allSpaces } = venue
  const api = rig.apis[0]?.url ?? ''
  const owner = await signIn(api, 'Owner')
  for (const space of allSpaces) {
    const visibility = space === cellarOf(spaces) ? 'private' : 'public'
    const args = { name: space.slice(1), visibility }
    await apply(api, owner.token, { space, name: 'space.create', args })
  }
  const join = (session: Session, role: string, ...where: string[]): Promise<unknown> =>
    apply(
      api,
      owner.token,
      ...where.map((space) => ({ space, name: 'member.put', args: { being: session.being.id, role } })),
    )
  const writers: Writer[] = []
  for (let index = 0; index < counts.writers; index += 1) {
    const session = await signIn(api, `Writer ${index + 1}`)
    await join(session, 'member', ...spaces.busy)
    writers.push(writerOf(venue, session, seeded(random.below(2 ** 31))))
  }
  const watchers: Watcher[] = []
  const sessions = new Map<string, Session>()
  for (const [index, placement] of placements(spaces).entries()) {
    const known = sessions.get(placement.being)
    const session = known ?? (await signIn(api, placement.being))
    if (known === undefined && placement.spaces.includes(cellarOf(spaces)))
      await join(session, 'viewer', cellarOf(spaces))
    sessions.set(placement.being, session)
    const voice = known === undefined && placement.by === 'websocket'
    watchers.push(watcherOf(venue, placement, session, index, voice))
  }
  const visitors = await invite(venue, api, seeded(random.below(2 ** 31)))
  const heads = await rig.heads(allSpaces)
  const logs = new Map([...heads].map(([space, { epoch }]) => [space, new SpaceLog(space, epoch, SNAPSHOT_SIZE)]))
  return { owner, writers, watchers, visitors, logs }
}

function writerOf({ spaces, apis, acknowledgements, pace }: Venue, { token }: Session, random: Random): Writer {
  return new Writer({ token, spaces: spaces.busy, apis, acknowledgements, random, pace })
}

/** Where to, and by what. */
const CARRIED: Record<
  Placement['by'],
  (rig: Rig, doors: readonly string[]) => Pick<WatcherOptions, 'gateways' | 'carriers'>
> = {
  websocket: (_rig, gateways) => ({ gateways, carriers: [socketCarrier] }),
  sse: (_rig, gateways) => ({ gateways, carriers: [streamCarrier] }),
  polling: ({ apis }) => ({ gateways: apis.map(({ url }) => url), carriers: [pollingCarrier] }),
  falling: ({ front }) => ({ gateways: [front.url], carriers: [socketCarrier, streamCarrier, pollingCarrier] }),
}

function watcherOf(
  venue: Venue,
  placement: Omit<Placement, 'being'>,
  session: Session,
  first: number,
  voice: boolean,
): Watcher {
  const { rig, attendance, acknowledgements } = venue
  const { name, spaces, present, direct, by } = placement
  const doors = direct ? rig.gateways.map(({ url }) => url) : rig.doors
  return new Watcher({
    name,
    spaces,
    present,
    voice,
    first,
    ...CARRIED[by](rig, doors),
    token: session.token,
    being: session.being.id,
    attendance,
    onDelivered: (watcher, space, from, to) => {
      if (!watcher.impaired) acknowledgements.delivered(space, from, to)
    },
  })
}

async function invite(venue: Venue, api: string, random: Random): Promise<Visitors> {
  const called = async (name: string, count: number): Promise<Session[]> => {
    const sessions: Session[] = []
    for (let index = 0; index < count; index += 1) sessions.push(await signIn(api, `${name} ${index + 1}`))
    return sessions
  }
  return new Visitors({
    open: ({ name, session, gateway, spaces, voice }) =>
      watcherOf(venue, { name, spaces, present: true, direct: false, by: 'websocket' }, session, gateway, voice),
    closed: venue.closed,
    voices: () => venue.pages().filter(({ isVoice }) => isVoice),
    regulars: await called('Regular', REGULARS),
    guests: await called('Guest', GUESTS),
    gateways: venue.rig.gateways.length,
    everyMs: venue.pace.visitEveryMs,
    spaces: { usual: venue.spaces.churn, others: venue.spaces.busy.slice(0, 3) },
    random,
  })
}
