import type { LoggedChange } from '@rhizom/domain'
import { type Being, parseNewsMessage } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { newsHintsIn, newsMessages } from './news.ts'

const id = '0193b2a0-0000-7000-8000-000000000101'
const being = (name: string, type: Being['type']): Being => ({
  ...{ id: name, type, name, owner: null, location: null, metadata: {}, properties: {}, content: [] },
  ...{ rev: 1, createdAt: 1, modifiedAt: 1, lastSeenAt: null },
})
const logged = (space: string, change: Pick<LoggedChange['change'], 'kind' | 'body'>): LoggedChange =>
  ({ space, epoch: id, change: { version: 1, at: 1, actor: '@ada', mutation: id, ...change } }) as LoggedChange

test('A254 those are named who came, went or got another role, once for each space, and no documents', () => {
  const hints = newsHintsIn([
    logged('@a', { kind: 'member.put', body: { being: '@bob', role: 'member' } }),
    logged('@a', { kind: 'being.put', body: being('@bob', 'guest') }),
    logged('@a', { kind: 'being.put', body: being('@note', 'document') }),
    logged('@b', { kind: 'being.remove', body: { id: '@bob' } }),
    logged('@b', { kind: 'member.remove', body: { id: '@eve' } }),
    logged('@b', { kind: 'intention.remove', body: { id } }),
  ])
  expect([...hints]).toEqual([
    ['@a', ['@bob']],
    ['@b', ['@bob', '@eve']],
  ])
})

test('A254 many are told in messages of a bounded size, each once', () => {
  const beings = Array.from({ length: 2500 }, (_, index) => `@b${index}`)
  const messages = newsMessages(
    new Map([
      ['@a', beings],
      ['@b', ['@ada']],
    ]),
  )
  expect(messages).toHaveLength(3)
  const told = messages.flatMap((message) => {
    const parsed = parseNewsMessage(message)
    return parsed.ok ? Object.entries(parsed.value).flatMap(([space, ids]) => ids.map((one) => `${space} ${one}`)) : []
  })
  expect(told).toEqual([...beings.map((one) => `@a ${one}`), '@b @ada'])
  expect(newsMessages(new Map())).toEqual([])
})
