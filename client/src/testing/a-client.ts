/** A client on a scripted server with a clock by hand: what most tests of this package begin with. */
import { QueryClient } from '@tanstack/react-query'
import { createClient, type RhizomClient } from '../client.ts'
import type { Session } from '../runtime/storage.ts'
import { type ManualEnvironment, manualEnvironment } from './manual-environment.ts'
import { ScriptedServer } from './scripted-server.ts'
import { aBeing } from './space-log.ts'

export interface TestClient {
  client: RhizomClient
  server: ScriptedServer
  environment: ManualEnvironment
  queryClient: QueryClient
  renewed: Session[]
}

export interface TestClientOptions {
  seed?: number
  expiresInMs?: number
  onSessionRenewed?: (session: Session) => void
}

const HOUR_MS = 3_600_000

/** A client that is not connected yet. */
export function aClient(options: TestClientOptions = {}): TestClient {
  const server = new ScriptedServer()
  const environment = manualEnvironment({
    openSocket: server.openSocket,
    fetch: server.fetch,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  })
  const queryClient = new QueryClient()
  const renewed: Session[] = []
  const client = createClient({
    session: {
      token: 'token-1',
      expiresAt: environment.dateMs() + (options.expiresInMs ?? 24 * HOUR_MS),
      being: aBeing('@ada', { name: 'Ada' }),
    },
    queryClient,
    baseUrl: 'http://rhizom.test',
    environment,
    onSessionRenewed(session) {
      renewed.push(session)
      options.onSessionRenewed?.(session)
    },
  })
  return { client, server, environment, queryClient, renewed }
}
