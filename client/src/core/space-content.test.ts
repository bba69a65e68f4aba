import { expect, test } from 'vitest'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { applyChange, contentOf, type SpaceContent, withOlder } from './space-content.ts'

const none: ReadonlySet<string> = new Set()

function aSpace() {
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada' }) })
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Bob' }) })
  const first = anUtterance('@lobby', '@ada', 'first')
  const second = anUtterance('@lobby', '@bob', 'second')
  log.write({ kind: 'intention.put', body: first })
  log.write({ kind: 'intention.put', body: second })
  return { log, first: log.intentions.get(first.id) ?? first, second: log.intentions.get(second.id) ?? second }
}

const texts = ({ intentions }: SpaceContent) => intentions.map(({ content }) => plainText(content))

test('C30 an append leaves everything else as it was', () => {
  const { log, second } = aSpace()
  const before = contentOf(log.snapshot())
  const after = applyChange(before, log.write({ kind: 'intention.append', body: { id: second.id, text: '!' } }))
  expect(texts(after)).toEqual(['first', 'second!'])
  expect(after.beings).toBe(before.beings)
  expect(after.intentions[0]).toBe(before.intentions[0])
  expect(after.space).toBe(before.space)
})

test('C250 an append that renews a claim moves its end, and one that tells none leaves it', () => {
  const { log, second } = aSpace()
  const claim = { by: '@bob', fence: 4, until: 1_000 }
  log.write({ kind: 'intention.put', body: { ...second, state: 'active', claim } })
  const id = second.id
  const before = contentOf(log.snapshot())
  const renewed = applyChange(before, log.write({ kind: 'intention.append', body: { id, text: '!', until: 2_000 } }))
  expect(renewed.intentions[1]).toMatchObject({ claim: { by: '@bob', fence: 4, until: 2_000 }, state: 'active' })
  const more = applyChange(renewed, log.write({ kind: 'intention.append', body: { id, text: '?' } }))
  expect(more.intentions).toEqual(log.snapshot().intentions)
  expect(more.intentions[1]?.claim?.until).toBe(2_000)
})

test('C30 a rename leaves the conversation as it was', () => {
  const { log } = aSpace()
  const before = contentOf(log.snapshot())
  const renamed = aBeing('@ada', { location: '@lobby', name: 'Ada L.' })
  const after = applyChange(before, log.write({ kind: 'being.put', body: renamed }))
  expect(after.intentions).toBe(before.intentions)
  expect(after.beings['@bob']).toBe(before.beings['@bob'])
  expect(after.beingCount).toBe(2)
})

test('C31 an author who left keeps the name and is counted no more', () => {
  const { log } = aSpace()
  const after = applyChange(contentOf(log.snapshot()), log.write({ kind: 'being.remove', body: { id: '@bob' } }))
  expect(after.beings['@bob']).toMatchObject({ name: 'Bob', location: null })
  expect(after.beingCount).toBe(1)
})

test('C31 one who left without a word is not kept', () => {
  const { log } = aSpace()
  log.write({ kind: 'being.put', body: aBeing('@cy', { location: '@lobby' }) })
  const after = applyChange(contentOf(log.snapshot()), log.write({ kind: 'being.remove', body: { id: '@cy' } }))
  expect(after.beings['@cy']).toBeUndefined()
})

test('C29 a page goes before what is held, without repeating it', () => {
  const { log, first } = aSpace()
  const content = contentOf(log.snapshot(1))
  expect(texts(content)).toEqual(['second'])
  const held = content.intentions[0]
  const page = {
    intentions: [first, held].filter((item) => item !== undefined),
    beings: [],
    hasMore: false,
  }
  const merged = withOlder(content, page, none)
  expect(texts(merged)).toEqual(['first', 'second'])
  expect(merged.hasMore).toBe(false)
})

test('C29 what was removed while the page was on its way does not come back', () => {
  const { log, first } = aSpace()
  const page = { intentions: [first], beings: [aBeing('@ada', { location: '@lobby' })], hasMore: false }
  const withoutAda = { ...contentOf(log.snapshot(1)), beings: {} }
  const merged = withOlder(withoutAda, page, new Set([first.id, '@ada']))
  expect(texts(merged)).toEqual(['second'])
  expect(merged.beings['@ada']?.location).toBeNull()
})

test('C29 a page ahead of the stream is not appended to twice', () => {
  const { log, first } = aSpace()
  const content = contentOf(log.snapshot(1))
  const append = log.write({ kind: 'intention.append', body: { id: first.id, text: ' and more' } })
  const ahead = log.intentions.get(first.id)
  if (ahead === undefined) throw new Error('the log lost an intention')
  const merged = withOlder(content, { intentions: [ahead], beings: [], hasMore: false }, none)
  expect(texts(applyChange(merged, append))).toEqual(['first and more', 'second'])
})

test('C29 an old intention that no page has brought stays out until one does', () => {
  const { log, first } = aSpace()
  const content = contentOf(log.snapshot(1))
  const edited = log.write({ kind: 'intention.put', body: { ...first, content: ['edited'] } })
  expect(texts(applyChange(content, edited))).toEqual(['second'])
})

test('C20 what is edited stays in its place', () => {
  const { log, first } = aSpace()
  const content = contentOf(log.snapshot())
  const edited = log.write({ kind: 'intention.put', body: { ...first, content: ['edited'] } })
  expect(texts(applyChange(content, edited))).toEqual(['edited', 'second'])
})
