import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import type { DevicePorts } from '../runtime/device-ports.ts'
import type { SharedPorts } from '../runtime/environment.ts'
import { eraseIndexedDbVault, openIndexedDbVault } from '../runtime/indexed-db-vault.ts'
import { aClient } from '../testing/a-client.ts'
import { SharedBrowser } from '../testing/shared-browser.ts'
import { anUtterance, SpaceLog } from '../testing/space-log.ts'

const POST = 'POST /v1/mutations'
let serial = 0

/** A client whose code for what is kept comes when `fetched` is called, or fails to. */
function aClientThatFetches() {
  const prefix = `device ${++serial} `
  let opens = 0
  const browser = new SharedBrowser({
    open: (name, onLost) => {
      opens += 1
      return openIndexedDbVault(prefix + name, onLost)
    },
    erase: (name) => eraseIndexedDbVault(prefix + name),
  })
  const page = browser.page()
  let fetched = (): void => undefined
  let failed = (_error: Error): void => undefined
  let fetches = 0
  const shared: SharedPorts = {
    ...page.shared,
    open: () =>
      new Promise<DevicePorts>((resolve, reject) => {
        fetches += 1
        fetched = () => void page.shared.open().then(resolve)
        failed = reject
      }),
  }
  const made = aClient({ shared })
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') })
  made.server.serve(log)
  made.server.route(POST, (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({
        id,
        status: 'applied',
        version: 2,
      })),
    },
  }))
  return {
    ...made,
    page,
    fetches: () => fetches,
    opens: () => opens,
    fetched: () => fetched(),
    fail: (error: Error) => failed(error),
    posts: () => made.server.requests.filter(({ path }) => path === '/v1/mutations').length,
    again: () => aClient({ server: made.server, shared: browser.page().shared, seed: 2 }),
  }
}

async function until(condition: () => boolean, environment: { settle(): Promise<void> }): Promise<void> {
  for (let turn = 0; turn < 2_000 && !condition(); turn += 1) await environment.settle()
  expect(condition()).toBe(true)
}

test('C197 what is kept needs code that is fetched once, when the page first asks; nothing leaves before it is kept', async () => {
  const { client, environment, fetches, fetched, posts } = aClientThatFetches()
  expect(fetches()).toBe(0)
  client.connect()
  void client.mutate('space.update', '@lobby', { name: 'Hall' })
  await environment.settle()
  expect(fetches()).toBe(1)
  expect(client.keeping().status).toBe('opening')
  // It is shown and waits.
  expect(client.pendingMutations()).toHaveLength(1)
  expect(posts()).toBe(0)
  fetched()
  await until(() => client.keeping().status === 'kept', environment)
  await until(() => posts() === 1, environment)
  client.close()
})

test('C197 what was shown meanwhile is kept once the code is there', async () => {
  const { client, server, environment, fetched, again } = aClientThatFetches()
  client.watchSpace('@lobby')
  client.connect()
  // The space asks the server without waiting long for what may be kept of it.
  await environment.advance(1_500)
  expect(client.readSpace('@lobby').content?.intentions).toHaveLength(1)
  fetched()
  await until(() => client.keeping().status === 'kept', environment)
  await environment.advance(1_000)
  client.close()
  server.script = 'refuse'
  const next = again()
  next.client.watchSpace('@lobby')
  next.client.connect()
  await until(() => next.client.readSpace('@lobby').content?.intentions.length === 1, next.environment)
  next.client.close()
})

test.each(['fails', 'never comes'])(
  'C197 code that %s costs what is kept and nothing else, and that is told',
  async (how) => {
    const { client, environment, fail } = aClientThatFetches()
    let told = 0
    client.onKeeping(() => (told += 1))
    client.watchSpace('@lobby')
    client.connect()
    const outcome = client.mutate('space.update', '@lobby', { name: 'Hall' })
    await environment.settle()
    if (how === 'fails') fail(new TypeError('Failed to fetch dynamically imported module'))
    await environment.advance(how === 'fails' ? 0 : 10_000)
    await environment.settle()
    expect(client.keeping()).toMatchObject({ status: 'not-kept', why: 'A part of this page could not be loaded.' })
    expect(told).toBe(1)
    expect(environment.reports.join()).toContain('its code could not be loaded')
    await environment.advance(2_000)
    expect(await outcome).toMatchObject({ status: 'applied' })
    expect(client.readSpace('@lobby').subscription.status).toBe('current')
    client.close()
  },
)

test('C197 a page that is left, erased or closed before the code is there takes nothing when it comes', async () => {
  const left = aClientThatFetches()
  left.client.connect()
  await left.environment.settle()
  left.page.happen('left')
  left.fetched()
  await left.environment.advance(1_000)
  expect(left.page.held()).toEqual({ channels: 0, hasLock: false, isAsking: false })
  left.page.happen('returned')
  await until(() => left.page.held().hasLock, left.environment)
  left.client.close()
  const erased = aClientThatFetches()
  erased.client.connect()
  await erased.environment.settle()
  const isErased = erased.client.erase()
  erased.fetched()
  await erased.environment.advance(1_000)
  await isErased
  expect(erased.opens()).toBe(0)
  const closed = aClientThatFetches()
  closed.client.connect()
  await closed.environment.settle()
  closed.client.close()
  closed.fetched()
  await closed.environment.advance(1_000)
  expect(closed.page.held()).toEqual({ channels: 0, hasLock: false, isAsking: false })
  expect(closed.environment.timersLeft()).toBe(0)
})
