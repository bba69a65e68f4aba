/** A client on a scripted server with a clock by hand: what most tests of this package begin with. */
import { createClient, type RhizomClient } from '../client.ts'
import type { TransportName } from '../core/transport.ts'
import type { SharedPorts } from '../runtime/environment.ts'
import type { Session } from '../runtime/storage.ts'
import { memoryStore, type SpaceStore } from '../sync/store.ts'
import { type ManualEnvironment, manualEnvironment } from './manual-environment.ts'
import { ScriptedServer } from './scripted-server.ts'
import { aBeing } from './space-log.ts'

export interface TestClient<S extends SpaceStore = SpaceStore> {
  client: RhizomClient<S>
  server: ScriptedServer
  environment: ManualEnvironment
  renewed: Session[]
}

export interface TestClientOptions {
  /** Another page of the same person has the same. */
  server?: ScriptedServer
  shared?: SharedPorts
  seed?: number
  expiresInMs?: number
  onSessionRenewed?: (session: Session) => void
  /** A scripted server knows sockets; by default nothing else is tried. */
  transports?: readonly TransportName[]
}

const HOUR_MS = 3_600_000

/** A client that is not connected yet. */
export const aClient = (options: TestClientOptions = {}): TestClient => aClientOn(memoryStore(), options)

export function aClientOn<S extends SpaceStore>(store: S, options: TestClientOptions = {}): TestClient<S> {
  const server = options.server ?? new ScriptedServer()
  const environment = manualEnvironment({
    openSocket: server.openSocket,
    fetch: server.fetch,
    shared: options.shared,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  })
  const renewed: Session[] = []
  const client = createClient({
    session: {
      token: 'token-1',
      expiresAt: environment.dateMs() + (options.expiresInMs ?? 24 * HOUR_MS),
      being: aBeing('@ada', { name: 'Ada' }),
    },
    store,
    baseUrl: 'http://rhizom.test',
    transports: options.transports ?? ['websocket'],
    environment,
    onSessionRenewed(session) {
      renewed.push(session)
      options.onSessionRenewed?.(session)
    },
  })
  return { client, server, environment, renewed }
}
