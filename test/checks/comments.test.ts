import { expect, test } from 'vitest'
import { commentFaults } from './comments.ts'

const faultsOf = (text: string): string[] => commentFaults([{ path: 'a.ts', text }], ['a.ts', 'core/feed/feed.ts'])

test('a comment past the edge is found, code is left to the formatter', () => {
  expect(faultsOf(` * ${'x'.repeat(118)}`)).toEqual(['a.ts:1: a comment of 121 columns'])
  expect(faultsOf(`// ${'x'.repeat(117)}`)).toEqual([])
  expect(faultsOf(`const x = '${'x'.repeat(200)}'`)).toEqual([])
})

test('a comment that names a file which is not there is found', () => {
  expect(faultsOf('// see gone.ts')).toEqual(['a.ts:1: names gone.ts, which is not there'])
  expect(faultsOf(' * (core/feed/feed.ts), feed.ts and a.ts; tests end in `.test.ts` or `*.int.test.ts`')).toEqual([])
  expect(faultsOf('/** core/space/feed.ts */')).toEqual(['a.ts:1: names core/space/feed.ts, which is not there'])
})
