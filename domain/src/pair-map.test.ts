import { expect, test } from 'vitest'
import { PairMap } from './pair-map.ts'

test('a map by two keys keeps pairs apart that would read the same side by side, and its copy is another', () => {
  const members = new PairMap<string, string, number>()
  members.set('@a', '@b c', 1)
  members.set('@a @b', 'c', 2)
  const copy = members.copy()
  copy.set('@a', '@b c', 3)
  copy.deleteAll('@a @b')
  expect([members.get('@a', '@b c'), members.get('@a @b', 'c')]).toEqual([1, 2])
  expect([...copy.firsts()]).toEqual(['@a'])
  copy.delete('@a', '@b c')
  expect([copy.of('@a').size, copy.of('@nowhere').size, members.of('@a').size]).toEqual([0, 0, 1])
})
