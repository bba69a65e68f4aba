import 'fake-indexeddb/auto'
import type { Mutation } from '@rhizom/protocol'
import { forceCloseDatabase } from 'fake-indexeddb'
import { openDB } from 'idb'
import { expect, test, vi } from 'vitest'
import { contentOf, type SpaceContent } from '../core/space-content.ts'
import { newId } from '../sync/new-id.ts'
import { SpaceLog } from '../testing/space-log.ts'
import { eraseIndexedDbVault, openIndexedDbVault } from './indexed-db-vault.ts'
import type { KeptMutation, Vault, VaultChange } from './vault.ts'

let serial = 0
const aName = (): string => `vault ${++serial}`
const ignore = (): void => undefined

const rename = (name: string): Mutation => ({ id: newId(), space: '@lobby', name: 'space.update', args: { name } })
const asked = (mutation: Mutation): Omit<KeptMutation, 'order'> => ({
  mutation,
  queuedAtMs: 1,
  isWithdrawn: false,
  hasArrived: false,
  fate: { status: 'open' },
})
const nothing: VaultChange = { spaces: new Map(), patches: new Map(), removed: new Set() }
const names = async (vault: Vault) => (await vault.mutations()).map(({ mutation }) => mutation.args)

function contentAt(version: number, log = new SpaceLog('@lobby')): SpaceContent {
  while (log.version < version) log.write({ kind: 'space.put', body: log.space })
  return contentOf(log.snapshot())
}

test('C159 a newer layout keeps the queue, with its order, and drops what the server has', async () => {
  const name = aName()
  const old = await openIndexedDbVault(name, ignore, 1)
  const first = await old.add(asked(rename('first')))
  await old.add(asked(rename('second')))
  await old.write({ ...nothing, spaces: new Map([['@lobby', contentAt(3)]]) })
  old.close()
  const vault = await openIndexedDbVault(name, ignore, 2)
  expect(await names(vault)).toEqual([{ name: 'first' }, { name: 'second' }])
  expect((await vault.mutations())[0]?.order).toBe(first)
  expect(await vault.spaces()).toEqual([])
  await vault.add(asked(rename('third')))
  expect(await names(vault)).toEqual([{ name: 'first' }, { name: 'second' }, { name: 'third' }])
  vault.close()
  await expect(openIndexedDbVault(name, ignore, 1)).rejects.toMatchObject({ name: 'VersionError' })
})

test('C159 what another version wrote and this one does not understand is left out and stays', async () => {
  const name = aName()
  const vault = await openIndexedDbVault(name, ignore)
  await vault.add(asked(rename('known')))
  vault.close()
  const raw = await openDB(name, 1)
  await raw.add('queue', { mutation: { name: 'being.dance' } })
  raw.close()
  const again = await openIndexedDbVault(name, ignore)
  expect(await names(again)).toEqual([{ name: 'known' }])
  again.close()
  const after = await openDB(name, 1)
  expect(await after.count('queue')).toBe(2)
  after.close()
})

test('C158 a page that erases, or brings a newer layout, is never held up by one that has it open', async () => {
  const name = aName()
  const lost: string[] = []
  const vault = await openIndexedDbVault(name, (why) => lost.push(why), 1)
  const newer = await openIndexedDbVault(name, (why) => lost.push(why), 2)
  expect(lost).toHaveLength(1)
  await expect(vault.mutations()).rejects.toThrow()
  await eraseIndexedDbVault(name)
  expect(lost).toHaveLength(2)
  await expect(newer.mutations()).rejects.toThrow()
})

test('C155 what a person clears, or the browser closes, while a page has it open is told of as lost', async () => {
  const name = aName()
  const lost: string[] = []
  const opened = vi.spyOn(indexedDB, 'open')
  const vault = await openIndexedDbVault(name, (why) => lost.push(why))
  const request: unknown = opened.mock.results.at(-1)?.value
  opened.mockRestore()
  if (!(request instanceof IDBOpenDBRequest)) throw new Error('nothing was opened')
  // Its types name the class in place of a database.
  Reflect.apply(forceCloseDatabase, undefined, [request.result])
  await vi.waitFor(() => expect(lost).toEqual(['The browser closed what is kept here.']))
  await expect(vault.mutations()).rejects.toThrow()
})

test('C151 content never goes back within one history, whoever writes it last', async () => {
  const vault = await openIndexedDbVault(aName(), ignore)
  const log = new SpaceLog('@lobby')
  const [at2, at5] = [contentAt(2, log), contentAt(5, log)]
  const other = contentAt(1)
  const kept = async () => (await vault.space('@lobby'))?.content.position
  const write = (content: SpaceContent) => vault.write({ ...nothing, spaces: new Map([['@lobby', content]]) })
  await write(at5)
  await write(at2)
  expect(await kept()).toEqual(at5.position)
  await write(other)
  expect(await kept()).toEqual(other.position)
})

test('C151 content and what has arrived in it are of one moment, and what is removed stays gone', async () => {
  const vault = await openIndexedDbVault(aName(), ignore)
  const mutation = rename('x')
  const order = await vault.add(asked(mutation))
  await vault.write({
    spaces: new Map([['@lobby', contentAt(1)]]),
    patches: new Map([[order, { hasArrived: true }]]),
    removed: new Set(),
  })
  expect((await vault.space('@lobby'))?.arrived).toEqual([mutation.id])
  await vault.write({ ...nothing, removed: new Set([order]) })
  await vault.write({ ...nothing, patches: new Map([[order, { isWithdrawn: true }]]) })
  expect(await vault.mutations()).toEqual([])
})

test('C151 of many spaces the latest 30 are kept, and of each its newest words', async () => {
  const vault = await openIndexedDbVault(aName(), ignore)
  let date = 1
  vi.spyOn(Date, 'now').mockImplementation(() => date++)
  for (let n = 0; n < 40; n += 1) {
    const content = contentAt(1, new SpaceLog(`@space-${n}`))
    await vault.write({ ...nothing, spaces: new Map([[`@space-${n}`, content]]) })
  }
  const kept = await vault.spaces()
  expect(kept).toHaveLength(30)
  expect(kept).toContain('@space-39')
  expect(kept).not.toContain('@space-9')
  vi.restoreAllMocks()
})

test('C320 content that nothing was added to for thirty days goes when the store is opened; the queue stays', async () => {
  const name = aName()
  const vault = await openIndexedDbVault(name, ignore)
  const day = 24 * 3_600_000
  const now = Date.now()
  const clock = vi.spyOn(Date, 'now')
  try {
    for (const [space, daysAgo] of [
      ['@old', 400],
      ['@older', 31],
      ['@recent', 29],
    ] as const) {
      clock.mockReturnValue(now - daysAgo * day)
      await vault.write({ ...nothing, spaces: new Map([[space, contentAt(1, new SpaceLog(space))]]) })
    }
    await vault.add(asked(rename('of long ago')))
    vault.close()
    clock.mockReturnValue(now)
    const again = await openIndexedDbVault(name, ignore)
    expect(await again.spaces()).toEqual(['@recent'])
    expect(await names(again)).toEqual([{ name: 'of long ago' }])
    again.close()
  } finally {
    clock.mockRestore()
  }
})
