import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerptOf, searchOver, sectionsOf, wordsIn } from './sections.ts'

const text = `# The thing

It keeps **order**, see [the docs](docs/x.md).
Two lines are one paragraph.

\`\`\`
# no heading, and no text
\`\`\`

## Epochs

An epoch is a history of a space.

| a | table |
|---|---|
<!-- a mark -->

- one \`item\`
- another item
  that goes on
`

test('B17 a document is what stands under its headings, without code, tables and marks', () => {
  expect(sectionsOf({ file: 'a.md', text })).toEqual([
    {
      file: 'a.md',
      heading: 'The thing',
      paragraphs: ['It keeps order, see the docs. Two lines are one paragraph.'],
    },
    {
      file: 'a.md',
      heading: 'Epochs',
      paragraphs: ['An epoch is a history of a space.', '· one item', '· another item that goes on'],
    },
  ])
})

test('B17 a question finds the section whose rare words it has; one without any of them finds nothing', () => {
  const search = searchOver(sectionsOf({ file: 'a.md', text }))
  expect(search('What are epochs?')[0]?.section.heading).toBe('Epochs')
  expect(search('which order does it keep')[0]?.section.heading).toBe('The thing')
  expect(search('and what about the weather?')).toEqual([])
  expect(search('')).toEqual([])
  expect(wordsIn('Working with spaces, passed classes')).toEqual(['work', 'space', 'pass', 'class'])
})

test('B17 an excerpt has what says most, in its order, and always something', () => {
  const section = sectionsOf({ file: 'a.md', text })[1]
  if (section === undefined) throw new Error('no section')
  expect(excerptOf(section, 'another item', 40)).toEqual(['· one item', '· another item that goes on'])
  expect(excerptOf(section, 'epoch', 1)).toEqual(['An epoch is a history of a space.'])
})

test('B17 no text and no question is too much for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string(), (document, question) => {
      const search = searchOver(sectionsOf({ file: 'x', text: document }))
      for (const { section } of search(question)) expect(excerptOf(section, question, 100).length).toBeGreaterThan(0)
    }),
  )
})
