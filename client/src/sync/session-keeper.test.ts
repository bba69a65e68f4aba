import { expect, test } from 'vitest'
import type { HttpResult } from '../runtime/http.ts'
import { saveSession, type Session } from '../runtime/storage.ts'
import { aSession } from '../testing/a-session.ts'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { ScriptedServer } from '../testing/scripted-server.ts'
import { aBeing } from '../testing/space-log.ts'
import { createSessionKeeper, type RenewalOutcome } from './session-keeper.ts'

const refused = (code: string, retry: 'never' | 'later' = 'never'): HttpResult<Session> => ({
  ok: false,
  problem: { code, message: code, path: undefined, retry, retryAfterMs: 0 },
})

function aKeeper(answer: (renewal: string | undefined) => HttpResult<Session> | undefined) {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const session: Session = { ...aSession(environment), renewal: 'r1' }
  const fresh = (renewal?: string): HttpResult<Session> => ({
    ok: true,
    value: {
      ...aSession(environment),
      token: `token of ${renewal ?? 'token'}`,
      ...(renewal === undefined ? {} : { renewal: `${renewal}+` }),
    },
  })
  const asked: (string | undefined)[] = []
  const heard: RenewalOutcome[] = []
  const keeper = createSessionKeeper({
    environment,
    session,
    refresh: async (renewal) => {
      asked.push(renewal)
      return answer(renewal) ?? fresh(renewal)
    },
    onRenewal: (renewal) => heard.push(renewal),
  })
  return { keeper, environment, session, asked, heard }
}

const overToken = (renewal: string | undefined) => (renewal === undefined ? refused('token-expired') : undefined)

test('C240 a token that is good is renewed by itself, and what renews it later is kept', async () => {
  const { keeper, asked } = aKeeper(() => undefined)
  await keeper.renew()
  expect(asked).toEqual([undefined])
  expect(keeper.session()).toMatchObject({ token: 'token of token', renewal: 'r1' })
})

test('C240 a device that slept past the end of its token renews the session, and again the next time', async () => {
  const { keeper, asked, heard, environment } = aKeeper(overToken)
  keeper.start()
  environment.stepDate(7 * 86_400_000)
  keeper.wake()
  await environment.settle()
  expect(asked).toEqual([undefined, 'r1'])
  expect(heard).toEqual([{ status: 'renewed' }])
  expect(keeper.session()).toMatchObject({ token: 'token of r1', renewal: 'r1+' })
  await keeper.renew()
  expect(asked.slice(2)).toEqual([undefined, 'r1+'])
  keeper.stop()
})

test('C240 a server that is away is no reason to use the renewal; a session that was ended is refused', async () => {
  const away = aKeeper(() => refused('unavailable', 'later'))
  await away.keeper.renew()
  expect(away.asked).toEqual([undefined])
  const ended = aKeeper(() => refused('not-authenticated'))
  expect(await ended.keeper.renew()).toMatchObject({ status: 'refused', code: 'not-authenticated' })
  expect(ended.asked).toEqual([undefined, 'r1'])
})

test('C241 a tab uses what another one kept, and never puts an older renewal in its place', async () => {
  const { keeper, environment, session, asked } = aKeeper(overToken)
  saveSession(environment.storage, { ...session, renewal: 'r7' })
  await keeper.renew()
  expect(asked).toEqual([undefined, 'r7'])
  const other = aKeeper(() => undefined)
  saveSession(other.environment.storage, { ...other.session, renewal: 'r7' })
  await other.keeper.renew()
  expect(other.keeper.session().renewal).toBe('r7')
  const stranger = aKeeper(overToken)
  saveSession(stranger.environment.storage, { ...session, being: aBeing('@bob'), renewal: 'r8' })
  await stranger.keeper.renew()
  expect(stranger.asked).toEqual([undefined, 'r1'])
})
