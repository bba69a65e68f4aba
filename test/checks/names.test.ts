import { expect, test } from 'vitest'
import { nameFaults } from './names.ts'

const name = (home: string, exported: string) => ({ package: home, name: exported, path: `${home}/src/x.ts` })

test('a name that two packages export is a fault unless it is said to mean the same', () => {
  const exported = [name('api', 'Run'), name('gateway', 'Run'), name('gateway', 'Feed'), name('gateway', 'Feed')]
  expect(nameFaults(exported, {})).toEqual(['Run is exported by api/src/x.ts and gateway/src/x.ts: one meaning each'])
  expect(nameFaults(exported, { Run: 'changes as bytes' })).toEqual([])
})

test('a meaning that is listed and not shared any more is a fault', () => {
  expect(nameFaults([name('api', 'Run')], { Run: 'changes as bytes' })).toEqual(['Run is listed as shared and is not'])
})
