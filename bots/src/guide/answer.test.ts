import { expect, test } from 'vitest'
import { searchOver, sectionsOf } from '../core/sections.ts'
import { textFor } from './answer.ts'
import { readDocuments } from './documents.ts'

const search = searchOver(readDocuments().flatMap(sectionsOf))

test.each([
  ['What is an epoch?', /epoch/i],
  ['who may cancel a reply', /cancel/i],
  ['what happens when a gateway dies?', /gateway/i],
  ['How do I write a bot?', /bot/i],
])('B18 the guide answers %j from the documents of rhizom, and says from which', (question, expected) => {
  const text = textFor(question, search)
  expect(text).toMatch(/^From [\w/.-]+\.md, “/)
  expect(text).toMatch(expected)
  expect(text.length).toBeLessThan(4000)
})

test('B18 to what no document speaks of it says what it can be asked', () => {
  for (const question of ['', '???', 'qwertz']) expect(textFor(question, search)).toMatch(/^I am the guide/)
})
