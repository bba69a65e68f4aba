import { expect, test } from 'vitest'
import { aBeing } from '../testing/space-log.ts'
import { forgetSession, loadSession, memoryStorage, safeStorage, saveSession } from './storage.ts'

const session = { token: 'token', expiresAt: 5, being: aBeing('@ada') }

test('C61 storage that is refused keeps things in memory and never throws', () => {
  const storage = safeStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  saveSession(storage, session)
  expect(loadSession(storage)).toEqual(session)
  forgetSession(storage)
  expect(loadSession(storage)).toBeUndefined()
})

test('C61 a kept session that is not understood counts as none', () => {
  const storage = memoryStorage()
  for (const text of ['', '{', '{}', '{"token":1}', 'null']) {
    storage.set('rhizom.session', text)
    expect(loadSession(storage)).toBeUndefined()
  }
})
