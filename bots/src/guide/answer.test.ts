import { expect, test } from 'vitest'
import { answering } from './answer.ts'
import { readDocuments } from './documents.ts'

const answerTo = answering(readDocuments())

test.each([
  ['What is an epoch?', /epoch/i],
  ['who may cancel a reply', /cancel/i],
  ['what happens when a gateway dies?', /gateway/i],
  ['How do I write a bot?', /bot/i],
])('B18 the guide answers %j from the documents of rhizom, and says from which', (question, expected) => {
  const text = answerTo(question)
  expect(text).toMatch(/^From [\w/.-]+\.md, “/m)
  expect(text).toMatch(expected)
  expect(text.length).toBeLessThan(4000)
})

test('B18 a word that the glossary has is told first', () => {
  expect(answerTo('What is an epoch?')).toMatch(/^Epoch: a history of a space; [^\n]+\.\n\nFrom /)
  expect(answerTo('and claims, what are they')).toMatch(/^Claim: that somebody carries an intention out/)
  expect(answerTo('what happens when a gateway dies?')).toMatch(/^From /)
})

test('B18 to what no document speaks of it says what it can be asked', () => {
  for (const question of ['', '???', 'qwertz']) expect(answerTo(question)).toMatch(/^I am the guide/)
})
