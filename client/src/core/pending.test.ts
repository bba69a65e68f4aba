/**
 * What is pending over what is confirmed, against a server that decides by the same domain and every way to lose touch
 * with it.
 */
import { applyBatch, emptyWorld, type World } from '@rhizom/domain'
import type { Moment } from '@rhizom/machine'
import type { Change, Mutation, Snapshot } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aBeing, plainText } from '../testing/space-log.ts'
import { foresee, nothingPending, viewOf, withEntries } from './pending.ts'
import { queueMachine } from './queue.ts'
import { emptyQueue, newEntry, type QueueEvent, type QueueState } from './queue-state.ts'
import { contentOf, type SpaceContent } from './space-content.ts'
import { initialShownSpace, type ShownSpace, type ShownSpaceEvent, shownSpaceMachine } from './space-view.ts'

const uuid = (n: number): string => `0193b2a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const epochOf = (n: number): string => uuid(900_000 + n)
const at = (nowMs: number): Moment => ({ nowMs, dateMs: 1_800_000_000_000 + nowMs, random: 0.5 })
const self = aBeing('@ada', { location: '@lobby' })

/** @lobby with Ada and Bob in it, Bob its owner: what the api would have, with the log of its changes. */
class Server {
  readonly world: World = emptyWorld()
  log: Change[] = []
  epoch = epochOf(0)
  /** Where the log begins: a snapshot answers those who stand before. */
  from = 0

  constructor() {
    for (const being of [self, aBeing('@bob', { location: '@lobby' })]) this.world.beings.set(being.id, being)
    this.world.spaces.set('@lobby', {
      id: '@lobby',
      name: 'Lobby',
      visibility: 'public',
      epoch: this.epoch,
      version: 0,
      createdAt: 1,
    })
    this.world.members.set('@lobby', '@bob', 'owner')
  }

  get version(): number {
    return this.world.spaces.get('@lobby')?.version ?? 0
  }

  write(actor: string, mutations: readonly Mutation[]) {
    const requested = mutations.map((mutation) => ({ actor, mutation, epoch: this.epoch }))
    const { results, changes } = applyBatch(this.world, requested, 5, { maxContentBytes: 65_536 })
    this.log.push(...changes.map(({ change }) => change))
    return results
  }

  restart(): void {
    const space = this.world.spaces.get('@lobby')
    if (space === undefined) return
    this.epoch = epochOf(Number.parseInt(this.epoch.slice(-6), 16) - 900_000 + 1)
    this.world.spaces.set('@lobby', { ...space, epoch: this.epoch })
    this.from = this.version
    this.log = []
  }

  snapshot(): Snapshot {
    const space = this.world.spaces.get('@lobby')
    if (space === undefined) throw new Error('no lobby')
    const intentions = [...this.world.intentions.values()].map(({ position: _position, ...rest }) => rest)
    const beings = [...this.world.beings.values()]
    const members = [{ being: '@bob', role: 'owner' as const }]
    return {
      space,
      epoch: this.epoch,
      version: this.version,
      beings,
      beingCount: 2,
      intentions,
      hasMore: false,
      members,
    }
  }
}

interface Post {
  lane: string | null
  mutations: readonly Mutation[]
}

/** The two machines of a client, run by hand: the network is whatever the test lets happen. */
class Client {
  queue: QueueState = emptyQueue
  space: ShownSpace = initialShownSpace('@lobby', self)
  posts: Post[] = []
  asked: { epoch: string; version: number } | undefined | 'nothing' = 'nothing'
  rejected = new Set<string>()
  nowMs = 0
  /** Looks at every view there is, also at those of a moment. */
  looked = (): void => undefined
  #serial = 0

  dispatchQueue(event: QueueEvent): void {
    const before = this.queue
    const { state, effects } = queueMachine.step(before, event, at(this.nowMs))
    this.queue = state
    for (const effect of effects) {
      if (effect.type === 'post') this.posts.push(effect)
      if (effect.type === 'settle' && effect.outcome.status === 'rejected') this.rejected.add(effect.outcome.id)
    }
    if (state.entries !== before.entries) this.dispatchSpace({ type: 'pendingChanged', entries: state.entries })
  }

  dispatchSpace(event: ShownSpaceEvent): void {
    const { state, effects } = shownSpaceMachine.step(this.space, event, at(this.nowMs))
    this.space = state
    this.looked()
    for (const effect of effects) {
      if (effect.type === 'subscribe') this.asked = effect.position
      if (effect.type === 'confirm') this.dispatchQueue({ type: 'arrived', ids: effect.ids })
    }
  }

  ask(mutation: Mutation): void {
    const entry = newEntry(mutation, ++this.#serial, at(this.nowMs).dateMs, false)
    this.dispatchQueue({ type: 'entriesGiven', entries: [entry] })
    this.dispatchQueue({ type: 'sendRequested' })
  }

  get view(): SpaceContent | undefined {
    return this.space.view.content
  }
}

type Act =
  | { act: 'create' | 'append' | 'update' | 'remove' | 'rename' | 'trespass'; pick: number }
  | { act: 'bob-says' | 'bob-removes' | 'bob-renames'; pick: number }
  | { act: 'serve'; answer: 'told' | 'lost' | 'not-served' }
  | { act: 'stream'; count: number }
  | { act: 'cut' | 'connect' | 'restart' | 'forget-log' | 'wait' | 'retry' }
  | { act: 'cancel'; pick: number }
  /**
   * The answer is lost together with the connection, and the log does not reach back: the outcome is in a snapshot
   * only.
   */
  | { act: 'lose-all' }

const pick = fc.nat(20)
const arbitraryAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom('create' as const, 'append' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('update' as const, 'remove' as const, 'rename' as const), pick }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('trespass' as const, 'cancel' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constantFrom('bob-says' as const, 'bob-removes' as const, 'bob-renames' as const),
      pick,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('serve' as const),
      answer: fc.constantFrom('told' as const, 'lost' as const, 'not-served' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('stream' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constantFrom(
        'cut' as const,
        'connect' as const,
        'connect' as const,
        'forget-log' as const,
        'wait' as const,
        'retry' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('restart' as const, 'lose-all' as const) }) },
)

class Play {
  readonly server = new Server()
  readonly client = new Client()
  /** Changes on their way over the connection; undefined without one. */
  #wire: Change[] | undefined
  #sent = 0
  #serial = 1
  /** Own intentions in the order they were asked for, by the mutation that makes them. */
  readonly made: { intention: string; mutation: string }[] = []
  readonly removals = new Set<string>()
  readonly cancelled = new Set<string>()
  /** Of each intention the words appended, each unlike all others. */
  readonly words: string[] = []

  constructor() {
    this.client.looked = () => this.check()
  }

  #id = (): string => uuid(this.#serial++)
  #own = (n: number): string | undefined => this.made[n % Math.max(1, this.made.length)]?.intention

  do(act: Act): void {
    this.client.nowMs += 10
    switch (act.act) {
      case 'create': {
        const [intention, mutation] = [this.#id(), this.#id()]
        this.made.push({ intention, mutation })
        const args = { id: intention, type: 'utterance' as const, content: ['said'] }
        return this.client.ask({ id: mutation, space: '@lobby', name: 'intention.create', args })
      }
      case 'append': {
        const id = this.#own(act.pick)
        const text = ` w${this.#serial};`
        if (id === undefined) return
        this.words.push(text)
        return this.client.ask({ id: this.#id(), space: '@lobby', name: 'intention.append', args: { id, text } })
      }
      case 'update': {
        const id = this.#own(act.pick)
        if (id === undefined) return
        return this.client.ask({
          id: this.#id(),
          space: '@lobby',
          name: 'intention.update',
          args: { id, state: 'failed' },
        })
      }
      case 'remove': {
        const id = this.#own(act.pick)
        if (id === undefined) return
        this.removals.add(id)
        return this.client.ask({ id: this.#id(), space: '@lobby', name: 'intention.remove', args: { id } })
      }
      case 'rename': {
        const args = { id: '@ada', name: `Ada ${this.#serial}` }
        return this.client.ask({ id: this.#id(), space: '@lobby', name: 'being.update', args })
      }
      case 'trespass': {
        const id = [...this.server.world.intentions.values()].find(({ owner }) => owner === '@bob')?.id
        if (id === undefined) return
        return this.client.ask({ id: this.#id(), space: '@lobby', name: 'intention.remove', args: { id } })
      }
      case 'cancel': {
        const open = this.client.queue.entries.filter(({ state }) => state.status !== 'applied')
        const id = open[act.pick % Math.max(1, open.length)]?.mutation.id
        if (id === undefined) return
        this.cancelled.add(id)
        return this.client.dispatchQueue({ type: 'withdrawRequested', id })
      }
      case 'bob-says': {
        const args = { id: this.#id(), type: 'utterance' as const, content: ['bob'] }
        return this.#write('@bob', { id: this.#id(), space: '@lobby', name: 'intention.create', args })
      }
      case 'bob-removes': {
        const id = [...this.server.world.intentions.keys()][act.pick]
        if (id === undefined) return
        this.removals.add(id)
        return this.#write('@bob', { id: this.#id(), space: '@lobby', name: 'intention.remove', args: { id } })
      }
      case 'bob-renames': {
        const args = { id: '@ada', name: `By Bob ${this.#serial}` }
        return this.#write('@bob', { id: this.#id(), space: '@lobby', name: 'being.update', args })
      }
      case 'serve':
        return this.#serve(act.answer)
      case 'stream':
        return this.#stream(act.count)
      case 'cut':
        this.#wire = undefined
        return this.client.dispatchSpace({ type: 'disconnected' })
      case 'connect':
        return this.#connect()
      case 'restart':
        this.server.restart()
        this.#wire = undefined
        return this.client.dispatchSpace({ type: 'disconnected' })
      case 'forget-log':
        this.server.from = this.server.version
        this.server.log = []
        return
      case 'lose-all':
        this.#wire = undefined
        this.client.dispatchSpace({ type: 'disconnected' })
        this.#serve('lost')
        this.do({ act: 'forget-log' })
        return this.#connect()
      case 'wait':
        this.client.nowMs += 20_000
        this.client.dispatchSpace({ type: 'timePassed' })
        return this.client.dispatchQueue({ type: 'timePassed' })
      case 'retry':
        return this.client.dispatchQueue({ type: 'retryRequested' })
      default:
        act satisfies never
    }
  }

  #write(actor: string, mutation: Mutation): void {
    this.server.write(actor, [mutation])
    this.#publish()
  }

  #publish(): void {
    this.#wire?.push(...this.server.log.filter(({ version }) => version > this.#sent))
    this.#sent = this.server.version
  }

  #serve(answer: 'told' | 'lost' | 'not-served'): void {
    const post = this.client.posts.shift()
    if (post === undefined) return
    const { lane, mutations } = post
    const results = answer === 'not-served' ? [] : this.server.write('@ada', mutations)
    this.#publish()
    const problem = { code: 'network', message: 'gone', retry: 'later' as const, retryAfterMs: 0 }
    this.client.dispatchQueue(
      answer === 'told' ? { type: 'answered', lane, results } : { type: 'requestFailed', lane, problem },
    )
  }

  #stream(count: number): void {
    const changes = this.#wire?.splice(0, count) ?? []
    const [first, last] = [changes[0], changes.at(-1)]
    if (first === undefined || last === undefined) return
    const frame = { epoch: this.server.epoch, from: first.version - 1, to: last.version, changes }
    this.client.dispatchSpace({ type: 'changesReceived', frame })
  }

  #connect(): void {
    if (this.#wire !== undefined) return
    const { client, server } = this
    this.#wire = []
    this.#sent = server.version
    client.dispatchSpace({ type: 'connected' })
    const { asked } = client
    const roster = { here: [], hereCount: 0 }
    if (asked !== undefined && asked !== 'nothing' && asked.epoch === server.epoch && asked.version >= server.from) {
      const changes = server.log.filter(({ version }) => version > asked.version)
      const frame = { epoch: server.epoch, from: asked.version, to: server.version, changes }
      return client.dispatchSpace({ type: 'resumedReceived', frame, roster })
    }
    client.dispatchSpace({ type: 'snapshotReceived', snapshot: server.snapshot(), roster })
  }

  /** What holds at any time. */
  check(): void {
    const { view, rejected } = this.client
    if (view === undefined) return
    const shown = view.intentions.map(({ id }) => id)
    if (new Set(shown).size !== shown.length) throw new Error('one intention is shown twice')
    const standing = this.made.filter(
      ({ intention, mutation }) =>
        !this.removals.has(intention) && !rejected.has(mutation) && !this.cancelled.has(mutation),
    )
    const ownShown = shown.filter((id) => standing.some(({ intention }) => intention === id))
    if (ownShown.join(' ') !== standing.map(({ intention }) => intention).join(' '))
      throw new Error('own intentions are missing or out of order')
    const all = view.intentions.map(({ content }) => plainText(content)).join('')
    const doubled = this.words.find((word) => all.split(word).length > 2)
    if (doubled !== undefined) throw new Error(`shown twice: ${doubled}`)
  }

  /** Everything is well from here on. */
  finish(): void {
    for (let round = 0; round < 8; round += 1) {
      this.do({ act: 'connect' })
      this.do({ act: 'wait' })
      while (this.client.posts.length > 0) this.do({ act: 'serve', answer: 'told' })
      this.do({ act: 'stream', count: 1_000 })
    }
  }
}

/** Runs that once ended wrong. */
const foundOnce: [Act[]][] = [
  [
    [
      { act: 'create', pick: 0 },
      { act: 'append', pick: 0 },
      { act: 'serve', answer: 'told' },
      { act: 'cut' },
      { act: 'lose-all' },
      { act: 'restart' },
    ],
  ],
]

test('C143 whatever becomes of mutations, answers, connections and histories: nothing shown flickers, nothing is doubled, own order holds, and the end is the server’s', () => {
  fc.assert(
    fc.property(fc.array(arbitraryAct, { minLength: 5, maxLength: 60 }), (acts) => {
      const play = new Play()
      play.do({ act: 'connect' })
      for (const act of acts) {
        play.do(act)
      }
      play.finish()
      const { client, server } = play
      expect(client.queue.entries).toEqual([])
      expect(client.space.view).toBe(client.space.confirmed)
      const { pending: _pending, ...content } = client.view ?? {}
      expect(content).toEqual({ ...contentOf(server.snapshot()), beings: expect.anything() })
      expect(client.view?.beings['@ada']?.name).toBe(server.world.beings.get('@ada')?.name)
    }),
    { numRuns: 2_000, examples: foundOnce },
  )
})

const say = (n: number, id = uuid(n + 500)): Mutation => ({
  id: uuid(n),
  space: '@lobby',
  name: 'intention.create',
  args: { id, type: 'utterance', content: [`text ${n}`] },
})

const entriesFor = (...mutations: Mutation[]) => mutations.map((mutation, index) => newEntry(mutation, index, 7, false))

function aContent(): SpaceContent {
  const server = new Server()
  server.write('@bob', [say(1)])
  return contentOf(server.snapshot())
}

test('C141 with nothing pending the view is the confirmed content itself', () => {
  const content = aContent()
  expect(viewOf(content, nothingPending, self)).toBe(content)
  const entry = entriesFor(say(2)).map((one) => ({ ...one, hasArrived: true }))
  expect(viewOf(content, withEntries(nothingPending, entry), self)).toBe(content)
})

test('C141 a pending mutation is in its place and marked, the position is the confirmed one, and what it does not touch is the same object', () => {
  const content = aContent()
  const view = viewOf(content, withEntries(nothingPending, entriesFor(say(2), say(3))), self)
  expect(view.intentions.map(({ content: text }) => plainText(text))).toEqual(['text 1', 'text 2', 'text 3'])
  expect(view.intentions[0]).toBe(content.intentions[0])
  expect(view.beings).toBe(content.beings)
  expect(view.position).toBe(content.position)
  expect(view.pending).toEqual({ [uuid(502)]: [uuid(2)], [uuid(503)]: [uuid(3)] })
})

test('C141 the view of a space stays the same object while neither side changes', () => {
  const client = new Client()
  const server = new Server()
  client.dispatchSpace({ type: 'connected' })
  client.dispatchSpace({ type: 'snapshotReceived', snapshot: server.snapshot(), roster: { here: [], hereCount: 0 } })
  client.ask(say(2))
  const before = client.space.view
  client.dispatchSpace({ type: 'headReceived', version: 0 })
  expect(client.space.view).toBe(before)
  client.dispatchSpace({ type: 'typingReceived', being: '@bob' })
  expect(client.space.view.content).toBe(before.content)
})

test('C232 an answer that came before any content says nothing of a history that begins with it', () => {
  const client = new Client()
  const server = new Server()
  client.dispatchSpace({ type: 'connected' })
  client.ask(say(2))
  client.dispatchQueue({ type: 'sendRequested' })
  // It was the ninth change, in a history that a restored database does not have.
  client.dispatchQueue({
    type: 'answered',
    lane: '@lobby',
    results: [{ id: uuid(2), status: 'applied', version: server.version + 9 }],
  })
  client.dispatchSpace({ type: 'snapshotReceived', snapshot: server.snapshot(), roster: { here: [], hereCount: 0 } })
  expect(client.space.view.content?.intentions).toEqual([])
  expect(client.space.view.content?.pending).toBeUndefined()
})

test('C146 what would be rejected does nothing to the view, and one can ask why', () => {
  const content = aContent()
  const remove: Mutation = { id: uuid(9), space: '@lobby', name: 'space.update', args: { name: 'Mine' } }
  expect(viewOf(content, withEntries(nothingPending, entriesFor(remove)), self)).toBe(content)
  expect(foresee(content, remove, self, 1)).toMatchObject({ code: 'forbidden' })
  expect(foresee(content, say(2), self, 1)).toBeUndefined()
})

test('C146 who is not listed in a big space, or whose role is not told in a private one, is taken for one who may', () => {
  const { '@ada': _ada, ...beings } = aContent().beings
  const unlisted = { ...aContent(), beings }
  expect(foresee(unlisted, say(2), aBeing('@ada'), 1)).toBeUndefined()
  const closed: SpaceContent = { ...unlisted, space: { ...unlisted.space, visibility: 'private' }, members: undefined }
  expect(foresee(closed, say(2), aBeing('@ada'), 1)).toBeUndefined()
  expect(foresee({ ...closed, members: { '@ada': 'viewer' } }, say(2), aBeing('@ada'), 1)?.code).toBe('forbidden')
  const quiet: SpaceContent = { ...unlisted, space: { ...unlisted.space, posting: 'members' }, members: undefined }
  expect(foresee(quiet, say(2), aBeing('@ada'), 1)?.code).toBe('forbidden')
})
