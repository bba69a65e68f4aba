import { expect, test } from 'vitest'
import { loadSession, saveSession, type Session } from '../runtime/storage.ts'
import { aSession } from '../testing/a-session.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { guestSession } from './guest-session.ts'

const WEEK_MS = 7 * 86_400_000

/** A device on which somebody signed in a week ago. */
function aWeekLater(kept: Partial<Session>) {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const former = aSession(environment)
  saveSession(environment.storage, { ...former, expiresAt: former.expiresAt - WEEK_MS, ...kept })
  const guests: unknown[] = []
  server.route('POST /v1/sessions', (body) => {
    guests.push(body)
    return { status: 201, body: { ...former, token: 'of-another', renewal: 'r9' } }
  })
  const ask = async (): Promise<Session> => {
    const [session] = await Promise.all([
      guestSession('Ada', { environment, apiUrl: 'http://rhizom.test' }),
      environment.settle(),
    ])
    return session
  }
  return { server, environment, former, guests, ask }
}

test('C242 a guest who was away for a week is still itself, and what renews it next is kept', async () => {
  const { server, environment, former, guests, ask } = aWeekLater({ renewal: 'r1' })
  server.route('POST /v1/sessions/renew', (body) => {
    expect(body).toEqual({ renewal: 'r1' })
    return { status: 200, body: { ...former, token: 'fresh', renewal: 'r2' } }
  })
  expect(await ask()).toMatchObject({ token: 'fresh', renewal: 'r2' })
  expect(loadSession(environment.storage)).toMatchObject({ token: 'fresh', renewal: 'r2' })
  expect(guests).toEqual([])
})

test('C242 while the server is away it is the kept one all the same; one that was ended is a new guest', async () => {
  const { server, guests, ask } = aWeekLater({ renewal: 'r1' })
  const problem = (status: number, code: string) => ({
    status,
    body: { type: `about:${code}`, title: code, status, code, detail: code },
  })
  server.route('POST /v1/sessions/renew', () => problem(503, 'unavailable'))
  expect(await ask()).toMatchObject({ token: 'a-token', renewal: 'r1' })
  server.route('POST /v1/sessions/renew', () => problem(401, 'not-authenticated'))
  expect(await ask()).toMatchObject({ token: 'of-another' })
  expect(guests).toHaveLength(1)
})

test('C242 what was kept before there were renewals is a new guest once its token ran out', async () => {
  const { guests, ask } = aWeekLater({})
  expect(await ask()).toMatchObject({ token: 'of-another', renewal: 'r9' })
  expect(guests).toEqual([{ name: 'Ada' }])
})
