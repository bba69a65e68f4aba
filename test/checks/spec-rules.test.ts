import { expect, test } from 'vitest'
import { matchRules } from './spec-rules.ts'

const spec = (path: string, ...ids: string[]) => ({ path, text: ids.map((id) => `- **${id}** A rule.\n`).join('') })
const tests = (...lines: string[]) => [{ path: 'x.test.ts', text: lines.join('\n') }]

/** The id stands apart from the quote, so that the checker does not read this file as tests of these rules. */
const title = (call: string, words: string): string => `${call}('${words}', () => {})`

test('rules and tests that match give no problem', () => {
  const { rules, problems } = matchRules(
    [spec('protocol/SPEC.md', 'P1', 'P2'), spec('protocol/more/SPEC.md', 'P3'), spec('api/SPEC.md', 'A1')],
    tests(
      title('test', 'P1 one'),
      title('it.each(rows)', 'P2, P3 two at once: %s'),
      title('test', 'A1 is'),
      'describe()',
    ),
  )
  expect({ rules, problems }).toEqual({ rules: 4, problems: [] })
})

test.each([
  ['a rule without a test', [spec('api/SPEC.md', 'A1', 'A2')], tests(title('test', 'A1 is')), 'no test begins with A2'],
  ['a test of no rule', [spec('api/SPEC.md', 'A1')], tests(title('test', 'A1 A9 is')), 'A9 is in no SPEC.md'],
  ['an id given twice', [spec('api/SPEC.md', 'A1', 'A1')], tests(title('test', 'A1 is')), 'A1 is given twice'],
  [
    'a letter of another package',
    [spec('api/SPEC.md', 'A1'), spec('web/SPEC.md', 'A2')],
    tests(title('test', 'A1 A2 are')),
    'A is the letter of api',
  ],
  ['an id in the middle of a title', [spec('api/SPEC.md', 'A1')], tests(title('test', 'it is A1')), 'no test begins'],
  ['an id outside of a title', [spec('api/SPEC.md', 'A1')], tests('const words = "A1 is"'), 'no test begins with A1'],
  ['a longer id', [spec('api/SPEC.md', 'A1')], tests(title('test', 'A12 is')), 'A12 is in no SPEC.md'],
])('%s is a problem', (_name, specs, files, problem) => {
  expect(matchRules(specs, files).problems.join('\n')).toContain(problem)
})

test('a word that only looks like an id, of no package, is none', () => {
  expect(
    matchRules([spec('api/SPEC.md', 'A1')], tests(title('test', 'A1 is'), title('f', 'B2 bomber'))).problems,
  ).toEqual([])
})
