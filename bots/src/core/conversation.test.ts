import type { Being, Intention, Snapshot } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { conversationOf, withinBudget } from './conversation.ts'

const intention = (id: string, owner: string, text: string, more: Partial<Intention> = {}): Intention => ({
  ...{ id, type: 'utterance', state: 'complete', owner, location: '@room', content: [text] },
  ...{ rev: 1, createdAt: 1, modifiedAt: 1, replyTo: null, claim: null, attempt: 1 },
  ...more,
})
const being = (id: string, name: string): Being => ({
  ...{ id, type: 'guest', name, owner: null, location: '@room', metadata: {}, properties: {}, content: [] },
  ...{ rev: 1, createdAt: 1, modifiedAt: 1, lastSeenAt: null },
})
const epoch = '0193b2a0-0000-7000-8000-000000000001'
const reply = intention('r', '@bot', '', { state: 'active', replyTo: 'q' })
const snapshot: Snapshot = {
  space: { id: '@room', name: 'Room', visibility: 'public', epoch, version: 9, createdAt: 1 },
  ...{ epoch, version: 9, beings: [being('@ada', 'Ada')], beingCount: 1, hasMore: false },
  intentions: [
    intention('a', '@ada', 'hello'),
    intention('b', '@bot', 'hi'),
    intention('c', '@bot', 'half', { state: 'active' }),
    intention('d', '@eve', 'broken', { type: 'error' }),
    intention('q', '@ada', 'what?', { content: ['wh', { type: 'image' }, 'at?'] }),
    intention('e', '@eve', 'later'),
    reply,
  ],
}

test('B3 a bot is given what was said up to the request, and nothing that is under way, failed, or came later', () => {
  const conversation = conversationOf(snapshot, reply)
  expect(conversation?.lines.map(({ text, name, isOwn }) => [name, text, isOwn])).toEqual([
    ['Ada', 'hello', false],
    ['@bot', 'hi', true],
    ['Ada', 'what?', false],
  ])
  expect(conversation?.request).toMatchObject({ by: '@ada', text: 'what?' })
  expect(conversationOf({ ...snapshot, intentions: [reply] }, reply)).toBeUndefined()
})

test('B3 a job that replies to nothing is its own request', () => {
  const job = intention('j', '@bot', 'count to ten', { state: 'active' })
  expect(conversationOf({ ...snapshot, intentions: [job] }, job)?.request.text).toBe('count to ten')
})

test.each([
  [100, ['hello', 'hi', 'what?']],
  [11, ['hi', 'what?']],
  [6, ['what?']],
  [2, ['wh']],
])('B4 within %i characters the newest lines stay, the request always: %j', (characters, expected) => {
  const lines = conversationOf(snapshot, reply)?.lines ?? []
  expect(withinBudget(lines, characters).map(({ text }) => text)).toEqual(expected)
})
