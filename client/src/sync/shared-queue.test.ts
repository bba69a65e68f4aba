/** Several pages of one person in one browser, on a store that is IndexedDB in memory. */
import 'fake-indexeddb/auto'
import type { Mutation, MutationResult } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eraseIndexedDbVault, openIndexedDbVault } from '../runtime/indexed-db-vault.ts'
import type { Vault, VaultDoor } from '../runtime/vault.ts'
import { aClient, type TestClient } from '../testing/a-client.ts'
import { type Answer, ScriptedServer } from '../testing/scripted-server.ts'
import { type BrowserPage, SharedBrowser } from '../testing/shared-browser.ts'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { newId } from './new-id.ts'

const POST = 'POST /v1/mutations'
const sentIn = (body: unknown): Mutation[] => (body as { mutations: Mutation[] }).mutations

let serial = 0
/** IndexedDB in memory, new for each test. */
function aDoor(): VaultDoor {
  const prefix = `test ${++serial} `
  return {
    open: (name, onLost) => openIndexedDbVault(prefix + name, onLost),
    erase: (name) => eraseIndexedDbVault(prefix + name),
  }
}

/** A server with @lobby, which carries out each utterance once; `isAway` answers nobody. */
class Lobby {
  readonly server = new ScriptedServer()
  readonly log = new SpaceLog('@lobby')
  isAway = false
  refuses = false
  /** Changes are not published. */
  isSilent = false
  /** So many answers are lost from here on. */
  losesAnswers = 0
  readonly #ledger = new Map<string, MutationResult>()

  constructor() {
    this.log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) })
    this.server.serve(this.log)
    this.server.route(POST, (body) => this.#answer(body))
  }

  get texts(): string[] {
    return [...this.log.intentions.values()].map(({ content }) => plainText(content))
  }

  #answer(body: unknown): Answer {
    if (this.isAway) return 'fail'
    const results = sentIn(body).map((mutation) => this.#take(mutation))
    return this.losesAnswers-- > 0 ? 'fail' : { status: 200, body: { results } }
  }

  #take(mutation: Mutation): MutationResult {
    const { id } = mutation
    const former = this.#ledger.get(id)
    if (former !== undefined) return { ...former, status: 'duplicate' }
    const result: MutationResult = this.refuses
      ? { id, status: 'rejected', error: { code: 'forbidden', message: 'No.' } }
      : { id, status: 'applied', version: this.#apply(mutation) }
    this.#ledger.set(id, result)
    return result
  }

  #apply(mutation: Mutation): number {
    if (mutation.name !== 'intention.create') throw new Error('only words are understood here')
    const { id: said, content } = mutation.args
    const body = anUtterance('@lobby', '@ada', plainText(content), { id: said })
    const change = this.log.write({ kind: 'intention.put', body }, mutation.id)
    if (!this.isSilent) this.server.publish(this.log, change)
    return change.version
  }
}

interface Page extends TestClient {
  page: BrowserPage
  texts(): string[]
  say(text: string, options?: { keepRefused?: boolean; id?: string }): ReturnType<TestClient['client']['mutate']>
}

class Home {
  readonly lobby = new Lobby()
  readonly browser: SharedBrowser
  readonly pages: Page[] = []
  constructor(door = aDoor()) {
    this.browser = new SharedBrowser(door)
  }

  /** Another page of Ada's, which shows @lobby. */
  open({ hasLocks = true, refusesLock = false, isConnected = true } = {}): Page {
    const page = this.browser.page({ hasLocks, refusesLock })
    const test = aClient({ server: this.lobby.server, shared: page.shared, seed: this.pages.length + 1 })
    test.client.watchSpace('@lobby')
    if (isConnected) test.client.connect()
    const opened: Page = {
      ...test,
      page,
      texts: () => (test.client.readSpace('@lobby').content?.intentions ?? []).map(({ content }) => plainText(content)),
      say: (text, options) =>
        test.client.mutate('intention.create', '@lobby', { id: newId(), type: 'utterance', content: [text] }, options),
    }
    this.pages.push(opened)
    return opened
  }

  /** The page is gone as if its process had been killed. */
  crash(page: Page): void {
    page.page.crash()
    page.environment.fetch = () => new Promise(() => undefined)
    this.pages.splice(this.pages.indexOf(page), 1)
  }

  async until(condition: () => boolean, stepMs = 0): Promise<void> {
    for (let turn = 0; turn < 2_000; turn += 1) {
      if (condition()) return
      for (const { environment } of this.pages) await environment.advance(stepMs)
    }
    throw new Error(`it never came to that: ${condition.toString()}`)
  }
}

const isKept = ({ client }: Page) => client.keeping().status === 'kept'

test('C150 what was written while nobody answered is in its place after a reload, and is delivered once', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const before = home.open()
  await home.until(() => isKept(before) && before.client.readSpace('@lobby').content !== undefined)
  void before.say('first')
  void before.say('second')
  await home.until(() => before.client.pendingMutations().some(({ attempt }) => attempt > 0))
  await before.environment.advance(1_000)
  home.crash(before)
  home.lobby.server.script = 'refuse'
  const after = home.open()
  await home.until(() => after.texts().length === 2)
  expect(after.texts()).toEqual(['first', 'second'])
  expect(after.client.readSpace('@lobby').subscription.status).not.toBe('current')
  home.lobby.isAway = false
  home.lobby.server.script = 'serve'
  await home.until(
    () =>
      after.client.pendingMutations().length === 0 &&
      after.client.readSpace('@lobby').subscription.status === 'current',
    1_000,
  )
  await home.until(() => after.client.readSpace('@lobby').content?.pending === undefined)
  expect(home.lobby.texts).toEqual(['first', 'second'])
  expect(after.texts()).toEqual(['first', 'second'])
})

test('C151 a reload shows what was kept and asks the server from its position', async () => {
  const home = new Home()
  const before = home.open()
  await home.until(() => isKept(before) && before.client.readSpace('@lobby').content !== undefined)
  await before.say('kept')
  await home.until(() => before.client.readSpace('@lobby').content?.position.version === 2)
  before.page.happen('left')
  await home.until(() => true)
  await before.environment.advance(1_000)
  home.crash(before)
  const after = home.open()
  await home.until(() => after.client.readSpace('@lobby').subscription.status === 'current')
  expect(after.texts()).toEqual(['kept'])
  const asked = home.lobby.server.connection.received.filter(({ type }) => type === 'subscribe')
  expect(asked).toMatchObject([{ space: '@lobby', epoch: home.lobby.log.epoch, after: 2 }])
})

test('C151 what came just before a client is closed is kept', async () => {
  const home = new Home()
  const before = home.open()
  await home.until(() => isKept(before) && before.client.readSpace('@lobby').content !== undefined)
  await before.environment.advance(1_000)
  const { log, server } = home.lobby
  server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'the last word') }))
  await home.until(() => before.texts().length === 1)
  before.client.close()
  await home.until(() => before.environment.timersLeft() === 0)
  home.crash(before)
  home.lobby.server.script = 'refuse'
  const after = home.open()
  await home.until(() => isKept(after))
  await after.environment.advance(1_000)
  expect(after.texts()).toEqual(['the last word'])
})

test('C152 any page writes, one sends, and each sees what another has waiting', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const [one, two] = [home.open(), home.open()]
  await home.until(() => isKept(one) && isKept(two) && two.client.readSpace('@lobby').content !== undefined)
  await home.until(() => one.client.readSpace('@lobby').content !== undefined)
  void two.say('from the second')
  await home.until(() => one.texts().length === 1)
  expect(one.client.pendingMutations()).toHaveLength(1)
  await home.until(() => (two.client.pendingMutations()[0]?.attempt ?? 0) > 0, 10)
  const outcome = two.say('also')
  home.lobby.isAway = false
  const requests = home.lobby.server.requests.length
  await home.until(() => two.client.pendingMutations().length === 0, 1_000)
  expect(await outcome).toMatchObject({ status: 'applied' })
  expect(home.lobby.texts).toEqual(['from the second', 'also'])
  expect(home.lobby.server.requests.length - requests).toBeLessThanOrEqual(2)
  await home.until(() => one.client.readSpace('@lobby').content?.pending === undefined)
  expect(one.texts()).toEqual(two.texts())
})

test('C230 a page that is opened between an answer and its being written down waits for nothing', async () => {
  const home = new Home()
  const sender = home.open()
  await home.until(() => isKept(sender) && sender.client.readSpace('@lobby').content !== undefined)
  home.lobby.isSilent = true
  await sender.say('answered')
  // Time stands still, so that the store has it as unanswered.
  const late = home.open()
  let hasWaited = false
  late.client.onPendingMutations(() => (hasWaited ||= late.client.pendingMutations().length > 0))
  await home.until(() => hasWaited)
  await home.until(() => late.client.pendingMutations().length === 0)
  await home.until(() => late.client.readSpace('@lobby').content !== undefined)
  expect(late.texts()).toEqual(['answered'])
  expect(home.lobby.texts).toEqual(['answered'])
})

test('C231 what was taken back before it left is sent by no other page, though the store still has it', async () => {
  const home = new Home()
  const sender = home.open()
  await home.until(() => isKept(sender) && sender.client.readSpace('@lobby').content !== undefined)
  const other = home.open()
  await home.until(() => isKept(other) && other.client.readSpace('@lobby').content !== undefined)
  const id = newId()
  const outcome = sender.say('never mind', { id })
  expect(sender.client.cancel(id)).toBe('taken-back')
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'cancelled' })
  const late = home.open()
  await home.until(() => isKept(late) && late.client.pendingMutations().length === 0)
  home.crash(sender)
  expect(await other.say('sent by the next')).toMatchObject({ status: 'applied' })
  expect(home.lobby.texts).toEqual(['sent by the next'])
})

test('C153 when the page that sends is gone another sends what waits, whoever wrote it, and nothing is lost or doubled', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const sender = home.open()
  await home.until(() => isKept(sender))
  const other = home.open()
  await home.until(() => isKept(other) && other.client.readSpace('@lobby').content !== undefined)
  void sender.say('of the one that goes')
  const mine = other.say('of the one that stays')
  await home.until(() => sender.client.pendingMutations().length === 2 && other.client.pendingMutations().length === 2)
  home.crash(sender)
  home.lobby.isAway = false
  await home.until(() => other.client.pendingMutations().length === 0, 100)
  expect(await mine).toMatchObject({ status: 'applied' })
  expect(home.lobby.texts).toEqual(['of the one that goes', 'of the one that stays'])
})

test('C153 a page that sends and says nothing for 4 s is passed by', async () => {
  const home = new Home()
  const frozen = home.open()
  await home.until(() => isKept(frozen))
  await home.until(() => frozen.client.readSpace('@lobby').content !== undefined)
  const other = home.open()
  await home.until(() => isKept(other) && other.client.readSpace('@lobby').content !== undefined)
  frozen.page.freeze()
  home.pages.splice(home.pages.indexOf(frozen), 1)
  const outcome = other.say('goes on')
  await other.environment.advance(3_500)
  expect(home.lobby.texts).toEqual([])
  await other.environment.advance(1_000)
  await home.until(() => home.lobby.texts.length === 1, 100)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

type Act =
  | { act: 'say' | 'crash' | 'leave' | 'freeze'; page: number }
  | { act: 'open' | 'away' | 'back' | 'wait' | 'lose' }

const page = fc.nat(2)
const arbitraryAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ act: fc.constant('say' as const), page }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('crash' as const, 'leave' as const, 'freeze' as const), page }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('open', 'away', 'back', 'wait', 'lose') }) },
)

/** A store that tells how much was kept in it so far. */
function countingDoor(): { door: VaultDoor; kept: () => number } {
  const inner = aDoor()
  let kept = 0
  const open: VaultDoor['open'] = async (name, onLost) => {
    const vault = await inner.open(name, onLost)
    const add: Vault['add'] = async (mutation) => {
      const order = await vault.add(mutation)
      kept += 1
      return order
    }
    return {
      add,
      mutations: () => vault.mutations(),
      spaces: () => vault.spaces(),
      space: (id) => vault.space(id),
      write: (change) => vault.write(change),
      close: () => vault.close(),
    }
  }
  return { door: { ...inner, open }, kept: () => kept }
}

test('C153 C152 whatever pages open, crash, freeze and are left, and whatever answers are lost: all that was kept arrives once, in its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryAct, { minLength: 4, maxLength: 16 }), async (acts) => {
      const { door, kept } = countingDoor()
      const home = new Home(door)
      const said: string[] = []
      const turns = async (count: number, stepMs = 0) => {
        for (let turn = 0; turn < count; turn += 1)
          for (const { environment } of home.pages) await environment.advance(stepMs)
      }
      const left = new Set<Page>()
      home.open()
      for (const act of acts) {
        const one = 'page' in act ? home.pages[act.page % home.pages.length] : undefined
        // Nobody writes on a page that was left; what it asked for before is kept.
        if (act.act === 'say' && one !== undefined && !left.has(one)) {
          await home.until(() => isKept(one))
          const text = `text ${said.length}`
          said.push(text)
          void one.say(text)
          // Until it is kept nothing is promised.
          await home.until(() => kept() === said.length)
        } else if (act.act === 'crash' && one !== undefined) home.crash(one)
        else if (act.act === 'leave' && one !== undefined) {
          one.page.happen('left')
          left.add(one)
        } else if (act.act === 'freeze' && one !== undefined) {
          one.page.freeze()
          home.pages.splice(home.pages.indexOf(one), 1)
        } else if (act.act === 'open' && home.pages.length < 3) home.open()
        else if (act.act === 'away') home.lobby.isAway = true
        else if (act.act === 'back') home.lobby.isAway = false
        else if (act.act === 'lose') home.lobby.losesAnswers = 2
        else await turns(3, 400)
        if (home.pages.length === 0) home.open()
        await turns(3)
      }
      home.lobby.isAway = false
      home.lobby.losesAnswers = 0
      const last = home.open()
      await home.until(() => isKept(last))
      await home.until(() => home.lobby.texts.length >= said.length && last.client.pendingMutations().length === 0, 500)
      expect(home.lobby.texts).toEqual(said)
      await home.until(() => last.client.readSpace('@lobby').content?.pending === undefined, 100)
      for (const opened of home.pages) opened.client.close()
    }),
    { numRuns: 20, endOnFailure: true },
  )
})

test('C153 a lock that goes to a frozen page is taken from it, also long after something was written', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const sender = home.open()
  await home.until(() => isKept(sender))
  const frozen = home.open()
  await home.until(() => isKept(frozen))
  const writer = home.open()
  await home.until(() => isKept(writer))
  const outcome = writer.say('waits for the second in line')
  await home.until(() => sender.client.pendingMutations().length === 1)
  await sender.environment.advance(20_000)
  await writer.environment.advance(20_000)
  frozen.page.freeze()
  frozen.environment.fetch = () => new Promise(() => undefined)
  home.pages.splice(home.pages.indexOf(frozen), 1)
  home.crash(sender)
  home.lobby.isAway = false
  await home.until(() => home.lobby.texts.length === 1, 500)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

test('C154 where there are no locks each page sends what it has', async () => {
  const home = new Home()
  const [one, two] = [home.open({ hasLocks: false }), home.open({ hasLocks: false })]
  await home.until(() => isKept(one) && isKept(two))
  const outcomes = [one.say('one'), two.say('two')]
  await home.until(() => home.lobby.texts.length === 2)
  expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(['applied', 'applied'])
})

test('C316 where the browser refuses the lock it is asked once, and the page sends what it has', async () => {
  const home = new Home()
  const page = home.open({ refusesLock: true })
  await home.until(() => isKept(page))
  const outcome = page.say('sent all the same')
  await home.until(() => home.lobby.texts.length === 1)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

test.each<[string, VaultDoor, string]>([
  [
    'is refused',
    { open: () => Promise.reject(new DOMException('no', 'SecurityError')), erase: () => Promise.resolve() },
    'keep nothing',
  ],
  ['hangs', { open: () => new Promise(() => undefined), erase: () => Promise.resolve() }, 'does not answer'],
  [
    'belongs to a newer page',
    { open: () => Promise.reject(new DOMException('no', 'VersionError')), erase: () => Promise.resolve() },
    'newer version',
  ],
])('C155 where the store %s everything goes on in memory, and that is said', async (_what, door, why) => {
  const home = new Home(door)
  const page = home.open()
  const outcome = page.say('written all the same')
  await home.until(() => page.client.keeping().status === 'not-kept', 100)
  expect(page.client.keeping()).toMatchObject({ why: expect.stringContaining(why) })
  await home.until(() => page.client.pendingMutations().length === 0, 100)
  expect(await outcome).toMatchObject({ status: 'applied' })
  await home.until(() => page.client.readSpace('@lobby').subscription.status === 'current', 100)
  expect(page.texts()).toEqual(['written all the same'])
})

test.each([
  ['QuotaExceededError', 'no room left'],
  ['InvalidStateError', 'keep nothing'],
])(
  'C155 a store that fails later (%s) is given up, which is said with the reason, and nothing is lost',
  async (name, why) => {
    const door = aDoor()
    let fails = false
    const home = new Home({
      open: async (...given) => {
        const vault = await door.open(...given)
        const or = <T>(run: () => Promise<T>): Promise<T> =>
          fails ? Promise.reject(new DOMException('no', name)) : run()
        return {
          mutations: () => vault.mutations(),
          spaces: () => vault.spaces(),
          space: (id) => vault.space(id),
          add: (mutation) => or(() => vault.add(mutation)),
          write: (change) => or(() => vault.write(change)),
          close: () => vault.close(),
        }
      },
      erase: door.erase,
    })
    const [one, two] = [home.open(), home.open()]
    await home.until(() => isKept(one) && isKept(two))
    fails = true
    const outcome = two.say('said where nothing can be kept')
    await home.until(() => home.lobby.texts.length === 1, 100)
    expect(await outcome).toMatchObject({ status: 'applied' })
    expect(two.client.keeping()).toMatchObject({ status: 'not-kept', why: expect.stringContaining(why) })
  },
)

test('C324 a store with no room keeps what was written, and lets go of what the server has', async () => {
  const door = aDoor()
  let isFull = false
  let shed = 0
  const home = new Home({
    open: async (...given) => {
      const vault = await door.open(...given)
      return {
        mutations: () => vault.mutations(),
        spaces: () => vault.spaces(),
        space: (id) => vault.space(id),
        add: (mutation) => vault.add(mutation),
        async write(change) {
          const grows = [...change.spaces.values()].some((kept) => kept !== undefined)
          if (isFull && grows) throw new DOMException('full', 'QuotaExceededError')
          await vault.write(change)
          if (isFull && change.spaces.size > 0) shed += 1
        },
        close: () => vault.close(),
      }
    },
    erase: door.erase,
  })
  const before = home.open()
  await home.until(() => isKept(before) && before.client.readSpace('@lobby').content !== undefined)
  isFull = true
  const body = anUtterance('@lobby', '@bob', 'news')
  home.lobby.server.publish(home.lobby.log, home.lobby.log.write({ kind: 'intention.put', body }))
  await home.until(() => shed > 0, 100)
  home.lobby.isAway = true
  void before.say('written in the end')
  await home.until(() => before.client.pendingMutations().some(({ attempt }) => attempt > 0), 100)
  expect(before.client.keeping().status).toBe('kept')
  home.crash(before)
  home.lobby.isAway = false
  const after = home.open()
  await home.until(() => home.lobby.texts.includes('written in the end'), 1_000)
  expect(after.client.keeping().status).toBe('kept')
  expect(home.lobby.texts).toEqual(['news', 'written in the end'])
})

test('C156 a record of what was refused outlives the page, and is gone everywhere when it is dropped', async () => {
  const home = new Home()
  home.lobby.refuses = true
  const one = home.open()
  await home.until(() => isKept(one))
  const id = newId()
  await one.say('unwelcome', { keepRefused: true, id })
  await one.say('handed back')
  await one.environment.advance(1_000)
  const two = home.open()
  await home.until(() => two.client.refusedMutations().length === 1)
  expect(two.client.refusedMutations()).toMatchObject([{ code: 'forbidden', message: 'No.', mutation: { id } }])
  two.client.dropRefused(id)
  await home.until(() => one.client.refusedMutations().length === 0)
  await two.environment.advance(1_000)
  const three = home.open()
  await home.until(() => isKept(three))
  await three.environment.advance(1_000)
  expect(three.client.refusedMutations()).toEqual([])
})

test('C157 signing out erases all that is kept of that person', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const one = home.open()
  await home.until(() => isKept(one) && one.client.readSpace('@lobby').content !== undefined)
  void one.say('never sent')
  await one.environment.advance(1_000)
  const erased = one.client.erase()
  await home.until(() => true)
  await erased
  home.crash(one)
  home.lobby.server.script = 'refuse'
  const next = home.open()
  await home.until(() => isKept(next))
  await next.environment.advance(2_000)
  expect(next.client.readSpace('@lobby').content).toBeUndefined()
  expect(next.client.pendingMutations()).toEqual([])
})

test('C157 what waits is gone from the other pages as well, and none of them sends it any more', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const [one, two] = [home.open(), home.open()]
  await home.until(() => isKept(one) && isKept(two) && two.client.readSpace('@lobby').content !== undefined)
  const outcome = two.say('of both')
  await home.until(() => one.client.pendingMutations().length === 1 && two.client.pendingMutations().length === 1)
  void one.client.erase()
  await home.until(() => two.client.pendingMutations().length === 0)
  home.lobby.isAway = false
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'closed' })
  await home.until(() => two.client.keeping().status === 'not-kept', 10)
  await two.environment.advance(60_000)
  expect(home.lobby.texts).toEqual([])
})

test('C158 a page that was left lets go of the lock and the channel, and takes them up when it is back', async () => {
  const home = new Home()
  home.lobby.isAway = true
  const one = home.open()
  await home.until(() => isKept(one))
  const two = home.open()
  await home.until(() => isKept(two))
  void one.say('waits')
  await home.until(() => two.client.pendingMutations().length === 1)
  one.page.happen('left')
  home.lobby.isAway = false
  await home.until(() => home.lobby.texts.length === 1, 100)
  one.page.happen('returned')
  two.page.happen('left')
  const outcome = one.say('by the first again')
  await home.until(() => home.lobby.texts.length === 2, 100)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

/** A store that answers when it is told to. */
class SlowDoor {
  readonly door: VaultDoor
  readonly #waiting: (() => void)[] = []

  constructor(inner = aDoor()) {
    this.door = {
      open: async (name, onLost) => {
        await this.#turn()
        const vault = await inner.open(name, onLost)
        return {
          mutations: async () => {
            await this.#turn()
            return vault.mutations()
          },
          spaces: () => vault.spaces(),
          space: (id) => vault.space(id),
          add: (mutation) => vault.add(mutation),
          write: (change) => vault.write(change),
          close: () => vault.close(),
        }
      },
      erase: (name) => inner.erase(name),
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  get isAsked(): boolean {
    return this.#waiting.length > 0
  }

  answer(): void {
    this.#waiting.shift()?.()
  }
}

type Stir = { act: 'open' | 'answer' | 'turn' } | { act: 'leave' | 'return'; page: number }

const arbitraryStir: fc.Arbitrary<Stir> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom('answer' as const, 'turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('open' as const) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('leave' as const, 'return' as const), page }) },
)

test('C187 whenever pages are left and come back, also while they open: those left hold nothing, and of the others one sends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryStir, { minLength: 3, maxLength: 20 }), async (stirs) => {
      const slow = new SlowDoor()
      const home = new Home(slow.door)
      const left = new Set<Page>()
      const settle = async () => {
        for (const { environment } of home.pages) await environment.settle()
      }
      home.open({ isConnected: true })
      for (const stir of stirs) {
        const one = 'page' in stir ? home.pages[stir.page % home.pages.length] : undefined
        if (stir.act === 'open' && home.pages.length < 3) home.open()
        else if (stir.act === 'answer') slow.answer()
        else if (stir.act === 'leave' && one !== undefined && !left.has(one)) {
          left.add(one)
          one.page.happen('left')
        } else if (stir.act === 'return' && one !== undefined && left.delete(one)) one.page.happen('returned')
        else await settle()
      }
      for (let quiet = 0; quiet < 10; quiet += 1) {
        if (slow.isAsked) quiet = 0
        slow.answer()
        await settle()
      }
      const present = home.pages.filter((one) => !left.has(one))
      for (const one of left) expect(one.page.held()).toEqual({ channels: 0, hasLock: false, isAsking: false })
      for (const one of present) {
        const { channels, hasLock, isAsking } = one.page.held()
        expect(channels).toBe(1)
        expect(hasLock).not.toBe(isAsking)
      }
      expect(present.filter((one) => one.page.held().hasLock)).toHaveLength(Math.min(1, present.length))
      for (const opened of home.pages) opened.client.close()
    }),
    { numRuns: 60, endOnFailure: true },
  )
})

test('C187 a page that is left while it opens holds no lock when it is frozen, and another sends at once', async () => {
  const slow = new SlowDoor()
  const home = new Home(slow.door)
  const first = home.open()
  await first.environment.settle()
  first.page.happen('left')
  slow.answer()
  await first.environment.settle()
  slow.answer()
  await first.environment.settle()
  first.page.freeze()
  home.pages.splice(0, 1)
  const second = home.open()
  const outcome = second.say('not held up')
  const began = second.environment.nowMs()
  await home.until(() => {
    slow.answer()
    return home.lobby.texts.length === 1
  })
  expect(await outcome).toMatchObject({ status: 'applied' })
  expect(second.environment.nowMs() - began).toBeLessThan(1_000)
})

test('C187 a page that loses its lock while it reads what is kept does not begin to send', async () => {
  const { door, kept } = countingDoor()
  const slow = new SlowDoor(door)
  const home = new Home(slow.door)
  home.lobby.isAway = true
  const one = home.open()
  const answerUntil = (condition: () => boolean) =>
    home.until(() => {
      if (condition()) return true
      slow.answer()
      return false
    })
  const posts = () => home.lobby.server.requests.filter(({ path }) => path === '/v1/mutations').length
  await answerUntil(() => one.page.held().hasLock)
  // The lock is there, what is kept is not read yet.
  one.page.happen('left')
  void one.say('on a page that was left')
  await answerUntil(() => kept() === 1 && !slow.isAsked)
  await one.environment.advance(1_000)
  expect(posts()).toBe(0)
  one.page.happen('returned')
  await answerUntil(() => posts() > 0)
  one.client.close()
})
