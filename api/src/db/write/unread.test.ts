import {
  applyBatch,
  emptyWorld,
  mentionsIn,
  type PlacedIntention,
  type RequestedMutation,
  type World,
} from '@rhizom/domain'
import { appendText, type Content, jsonBytes } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { growthOf, onlyAppendedTo, sizesOf } from './unread.ts'

const [EPOCH, ID] = ['0193b2a0-0000-7000-8000-000000000001', '0193b2a0-0000-7000-8000-000000000002']
const uuid = (nth: number): string => `0193b2a0-0000-7000-8000-${String(nth).padStart(12, '0')}`

const append = (nth: number, text: string, at?: number): RequestedMutation => ({
  actor: '@ada',
  mutation: {
    ...{ id: uuid(100 + nth), space: '@room', name: 'intention.append' },
    args: { id: ID, text, ...(at === undefined ? {} : { at }) },
  },
  epoch: EPOCH,
})

function worldWith(intention: Partial<PlacedIntention>): World {
  const world = emptyWorld()
  const times = { createdAt: 1, modifiedAt: 1 }
  world.spaces.set('@room', { id: '@room', name: 'Room', visibility: 'public', epoch: EPOCH, version: 7, createdAt: 1 })
  const nothing = { metadata: {}, properties: {}, content: [], rev: 0, owner: null, lastSeenAt: null }
  world.beings.set('@ada', { id: '@ada', type: 'guest', name: 'Ada', location: '@room', ...nothing, ...times })
  const of = { owner: '@ada', location: '@room', content: [], rev: 3, position: 3 }
  world.intentions.set(ID, { id: ID, type: 'utterance', state: 'active', ...of, ...times, ...intention })
  return world
}

const node = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant({ type: 'mention', being: '@bob' }))
const pieces = fc.array(
  fc.record({
    text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
    place: fc.constantFrom(0, 0, 0, 1, -1),
  }),
  { minLength: 1, maxLength: 6 },
)

test('A401 an append is decided the same, and makes the same text, whether what stands before it was read or not', () => {
  let passedOver = 0
  fc.assert(
    fc.property(
      fc.array(node, { maxLength: 3 }),
      pieces,
      fc.boolean(),
      fc.integer({ min: 10, max: 90 }),
      (said, more, isPlaced, most) => {
        const content: Content = said
        const { nextAt, contentBytes } = sizesOf(content)
        let at = nextAt ?? 0
        const requested = more.map(({ text, place }, nth) => {
          const placed = isPlaced ? Math.max(0, at + place) : undefined
          at += text.length
          return append(nth, text, placed)
        })
        const piece = onlyAppendedTo(requested).get(ID)
        if (nextAt === null || contentBytes === null || piece === undefined) return
        if (piece.at !== undefined && piece.at !== nextAt) return
        passedOver += 1
        const unread = { length: nextAt, bytes: contentBytes }
        const [whole, part] = [worldWith({ content }), worldWith({ unread })]
        const of = (world: World) => applyBatch(world, requested, 5, { maxContentBytes: most })
        expect(of(part)).toEqual(of(whole))
        const [read, grown] = [whole.intentions.get(ID), part.intentions.get(ID)]
        if (read === undefined || grown === undefined) throw new Error('it is gone')
        const { tail, ...sizes } = growthOf(grown, unread)
        expect(tail === '' ? content : appendText(content, tail)).toEqual(read.content)
        expect(sizes).toEqual({ nextAt: sizesOf(read.content).nextAt, contentBytes: jsonBytes(read.content) })
        expect(mentionsIn(read.content)).toEqual(mentionsIn(content))
      },
    ),
    { numRuns: 1000 },
  )
  expect(passedOver).toBeGreaterThan(50)
})

test('A401 what an append may say of its end, of a mention or of what was there before takes reading it', () => {
  expect(sizesOf([])).toEqual({ nextAt: null, contentBytes: null })
  expect(sizesOf(['a', { type: 'image' }]).nextAt).toBeNull()
  for (const open of ['hello @', 'hello @ad', '@ada-', `@${'a'.repeat(100)}`]) expect(sizesOf([open]).nextAt).toBeNull()
  for (const closed of ['hello @ada ', '@ada.', 'a', '']) expect(sizesOf([closed]).nextAt).toBe(closed.length)
  const known = (...requested: RequestedMutation[]) => onlyAppendedTo(requested).get(ID)
  expect(known(append(1, 'é', 3), append(2, 'b', 4))).toEqual({ at: 3, bytes: 3 })
  expect(known(append(1, 'a'), append(2, 'b'))).toEqual({ at: undefined, bytes: 2 })
  expect(known(append(1, 'a', 3), append(2, 'b', 2))).toBeUndefined()
  expect(known(append(1, 'a', 3), append(2, 'b'))).toBeUndefined()
  expect(known(append(1, 'a'), append(2, 'b', 4))).toBeUndefined()
  expect(known(append(1, 'so, @ada'))).toBeUndefined()
  const mutation = {
    id: uuid(9),
    space: '@room',
    name: 'intention.update',
    args: { id: ID, state: 'complete' },
  } as const
  expect(known(append(1, 'a'), { actor: '@ada', mutation, epoch: EPOCH })).toBeUndefined()
})
