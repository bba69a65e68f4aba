import { expect, test } from 'vitest'
import { nameFaults } from './names.ts'

const name = (home: string, exported: string) => ({ package: home, name: exported, path: `${home}/src/x.ts` })

test('a name that two packages export is a fault unless it is said to mean the same', () => {
  const exported = [name('api', 'Run'), name('gateway', 'Run'), name('gateway', 'Feed')]
  expect(nameFaults(exported, {})).toEqual(['Run is exported by api/src/x.ts and gateway/src/x.ts: one meaning each'])
  expect(nameFaults(exported, { Run: 'changes as bytes' })).toEqual([])
})

test('a name that two files of one package export is a fault, whatever is said of it', () => {
  const other = { package: 'api', name: 'Run', path: 'api/src/y.ts' }
  expect(nameFaults([name('api', 'Run'), other, name('gateway', 'Run')], { Run: 'changes as bytes' })).toEqual([
    'Run of api/src/x.ts is exported by another file of its package: one meaning each',
  ])
})

test('a meaning that is listed and not shared any more is a fault', () => {
  expect(nameFaults([name('api', 'Run')], { Run: 'changes as bytes' })).toEqual(['Run is listed as shared and is not'])
})
