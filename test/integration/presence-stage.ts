/**
 * What the presence tests stand on: a cluster with quick settings on a Redis of its own (to be emptied and killed), and
 * a client that keeps a roster as the contract says, from its answer and the frames after it.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { join } from 'node:path'
import { RosterAccount } from '@rhizom/kit/roster-account.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'
import { REDIS } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type Session, signIn } from '../wire/api-caller.ts'

export const TIMES = { leaseMs: 3000, graceMs: 600, windowMs: 60, lastSeenEveryMs: 200 } as const
export const LIST_LIMIT = 12

export interface Stage {
  cluster: Cluster
  api: string
  redis: Redis
  ada: Session
  bob: Session
  gateway(index: number): string
  openSpace(visibility?: 'public' | 'private'): Promise<string>
  /** Who subscribes, through which gateway. */
  enter(index: number, session: Session, space: string, options?: { present?: boolean }): Promise<Guest>
  /** The fields of a space in Redis, without the boot ids. */
  stored(space: string): Promise<string[]>
  /** As the api tells itself. */
  lastSeen(session: Session): Promise<number | null>
  /** Ends Redis, and starts an empty one at the same address. */
  killRedis(): Promise<void>
  reviveRedis(): Promise<void>
  stop(): Promise<void>
}

/** One client of one space. */
export class Guest {
  readonly socket: RawClient
  readonly space: string

  constructor(socket: RawClient, space: string) {
    this.socket = socket
    this.space = space
  }

  /** What it was told, in order: the last answer and the frames after it. */
  get roster(): RosterAccount {
    const roster = new RosterAccount(LIST_LIMIT)
    for (const frame of this.socket.frames) {
      if (!('space' in frame) || frame.space !== this.space) continue
      if (frame.type === 'snapshot' || frame.type === 'resumed') roster.answered(frame)
      else if (frame.type === 'presence') roster.changed(frame)
    }
    return roster
  }

  get frames() {
    return this.socket.frames.flatMap((frame) =>
      frame.type === 'presence' && frame.space === this.space ? [frame] : [],
    )
  }

  /** Every time somebody was said to have come or gone. */
  comings(being: string): string[] {
    return this.frames.flatMap(({ joined, left }) => [
      ...joined.filter((one) => one.being === being).map(() => 'joined'),
      ...left.filter((one) => one === being).map(() => 'left'),
    ])
  }

  async sees(...sessions: readonly (Session | string)[]): Promise<this> {
    const expected = sessions.map((one) => (typeof one === 'string' ? one : one.being.id)).sort()
    await this.socket.until(`the roster ${expected.join(' ')}`, () => {
      const { status, count, names } = this.roster
      return status === 'exact' && count === expected.length && names.join() === expected.join()
    })
    return this
  }

  send(frame: { type: string } & Record<string, unknown>): void {
    this.socket.send({ space: this.space, ...frame })
  }

  /** As a network that is cut. */
  drop(): void {
    this.socket.terminate()
  }
}

export async function startStage(options: { gateways?: number; graceMs?: number } = {}): Promise<Stage> {
  const directory = join(repository, '.local', `test-presence-${process.pid}-${Math.random().toString(36).slice(2, 8)}`)
  let server = await startRedis({ directory })
  const { port } = server
  const cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: server.url,
    apis: 2,
    gateways: options.gateways ?? 3,
    env: {
      gateway: {
        PRESENCE_LEASE_MS: `${TIMES.leaseMs}`,
        PRESENCE_GRACE_MS: `${options.graceMs ?? TIMES.graceMs}`,
        PRESENCE_WINDOW_MS: `${TIMES.windowMs}`,
        PRESENCE_LIST_LIMIT: `${LIST_LIMIT}`,
        LAST_SEEN_EVERY_MS: `${TIMES.lastSeenEveryMs}`,
        MAX_CONNECTIONS_PER_ADDRESS: '1000',
        DRAIN_GRACE_MS: '8000',
      },
    },
  })
  const redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
  // It is killed on purpose; the tests wait for what they need of it.
  redis.on('error', () => undefined)
  const api = cluster.apis[0]?.url ?? ''
  const [ada, bob] = await Promise.all([signIn(api, 'Ada'), signIn(api, 'Bob')])
  const gateway = (index: number): string => cluster.gateways[index]?.url ?? ''
  return {
    cluster,
    api,
    redis,
    ada,
    bob,
    gateway,
    async openSpace(visibility = 'public') {
      const id = freshId('presence')
      await apply(api, ada.token, { space: id, name: 'space.create', args: { name: 'A space', visibility } })
      return id
    },
    async enter(index, session, space, { present = true } = {}) {
      const socket = await RawClient.welcomed(gateway(index), session.token)
      await socket.snapshotOf(space, { present })
      return new Guest(socket, space)
    },
    async stored(space) {
      const fields = await redis.hkeys(REDIS.here(space))
      return fields.map((field) => field.slice(field.indexOf('/') + 1)).sort()
    },
    async lastSeen({ being, token }) {
      const path = `/v1/beings?ids=${being.id}`
      const { body } = await call<{ beings: { lastSeenAt: number | null }[] }>(api, 'GET', path, { token })
      return body.beings[0]?.lastSeenAt ?? null
    },
    async killRedis() {
      await server.stop('SIGKILL')
    },
    async reviveRedis() {
      server = await startRedis({ directory, port })
    },
    async stop() {
      await cluster.stop()
      redis.disconnect()
      await server.stop()
    },
  }
}
