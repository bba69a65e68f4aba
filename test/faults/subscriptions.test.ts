import { parseServerMessage } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { Subscriptions } from './subscriptions.ts'

const given = (subscriptions: Subscriptions, ...frames: object[]): void => {
  for (const line of parseServerMessage(frames.map((frame) => JSON.stringify(frame)).join('\n')))
    if (line.ok && line.value.type !== 'ignored') subscriptions.note(line.value)
}

const epoch = '0193b2a0-0000-7000-8000-000000000001'

test('F39 what is asked for next follows all that was given, in each space by itself', () => {
  const subscriptions = new Subscriptions()
  expect(subscriptions.take([{ type: 'hello', protocol: 1, token: 'a token' }])).toBe(true)
  expect(subscriptions.query()).toBe('')
  subscriptions.take([
    { type: 'subscribe', space: '@lobby', epoch, after: 4, present: false },
    { type: 'subscribe', space: '@garden' },
  ])
  expect(subscriptions.query()).toBe(
    `?space=%40lobby&epoch=${epoch}&after=4&present=false&space=%40garden&present=true`,
  )
  given(
    subscriptions,
    { type: 'resumed', space: '@lobby', epoch, from: 4, to: 4, changes: [], here: [], hereCount: 0 },
    { type: 'heartbeat', at: 1, heads: { '@lobby': 9 } },
  )
  expect(subscriptions.query()).toContain('after=4')
  expect(subscriptions.spaces.get('@lobby')?.isAnswered).toBe(true)
  given(subscriptions, {
    type: 'changes',
    space: '@lobby',
    epoch,
    from: 4,
    to: 5,
    changes: [{ version: 5, kind: 'intention.remove', at: 1, actor: '@ada', mutation: epoch, body: { id: epoch } }],
  })
  expect(subscriptions.query()).toContain(`space=%40lobby&epoch=${epoch}&after=5`)
  expect(subscriptions.take([{ type: 'unsubscribe', space: '@garden' }])).toBe(true)
  expect(subscriptions.query()).not.toContain('garden')
  expect(subscriptions.take([{ type: 'presence', space: '@lobby', state: {} }])).toBe(false)
})
