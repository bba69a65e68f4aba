import { TIMES } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writtenIn } from './claim.ts'
import { ClaimWorld } from './testing/claim-world.ts'

const append = (id: string, text: string, more: { at?: number; fence?: number } = {}) =>
  ({ name: 'intention.append', args: { id, text, ...more } }) as const
const claimOf = (id: string, more: { fence?: number; leaseMs?: number } = {}) =>
  ({ name: 'intention.claim', args: { id, leaseMs: 100, ...more } }) as const
const update = (id: string, more: object) => ({ name: 'intention.update', args: { id, ...more } }) as const

test('V20 the first who claims a draft has it: active, with the version of the claim as fence; whoever comes later is too late', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id)
  expect(world.get(id)).toMatchObject({ state: 'active', claim: { by: '@bot', fence, until: 1100 }, attempt: 1 })
  expect(world.get(id).rev).toBe(fence)
  expect(world.verdict('@owner', claimOf(id))).toBe('taken')
  for (const actor of ['@bot', '@owner']) expect(world.verdict(actor, claimOf(id, { fence: 0 }))).toBe('taken')
})

test('V20 the owner of a bot holds a claim as the bot does, and the bot is too late then', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id, '@owner')
  expect(world.get(id).claim).toMatchObject({ by: '@owner', fence })
  expect(world.verdict('@bot', claimOf(id))).toBe('taken')
  expect(world.verdict('@bot', append(id, 'mine'))).toBe('fenced')
  expect(world.verdict('@owner', claimOf(id))).toBe('applied')
  expect(world.verdict('@owner', append(id, 'theirs'))).toBe('applied')
  expect(world.get(id)).toMatchObject({ content: ['theirs'], claim: { by: '@owner', fence } })
})

test('V20 only the being and its owner claim, while they may write; what is no draft is not claimed', () => {
  const world = new ClaimWorld({}, { '@owner': 'viewer' })
  const id = world.asked()
  for (const actor of ['@ada', '@root', '@owner'])
    for (const more of [{}, { fence: 0 }]) expect(world.verdict(actor, claimOf(id, more))).toBe('forbidden')
  const fence = world.claim(id)
  expect(world.verdict('@bot', update(id, { state: 'complete', fence }))).toBe('applied')
  for (const more of [{}, { fence: 0 }]) expect(world.verdict('@bot', claimOf(id, more))).toBe('taken')
})

test('V20 to a bot that is banned the space is not there: it claims nothing, and what it holds it goes on with no more', () => {
  const world = new ClaimWorld()
  const [waiting, held] = [world.asked(), world.asked()]
  const fence = world.claim(held)
  expect(world.verdict('@root', { name: 'member.put', args: { being: '@bot', role: 'banned' } })).toBe('applied')
  const before = world.changes.length
  for (const wanted of [
    claimOf(waiting),
    claimOf(waiting, { fence: 0 }),
    claimOf(held),
    claimOf(held, { fence }),
    append(held, 'x'),
    append(held, 'x', { fence }),
    update(held, { state: 'complete', fence }),
    { name: 'intention.retry', args: { id: waiting } } as const,
  ])
    expect(world.verdict('@bot', wanted)).toBe('not-found')
  expect(world.changes.length).toBe(before)
  expect(world.say('@ada', 'and now, @bot?')).toEqual([])
})

test('V20 where members post, a bot without a role claims nothing', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  world.ask('@root', { name: 'space.update', args: { posting: 'members' } })
  expect(world.verdict('@bot', claimOf(id))).toBe('forbidden')
  world.ask('@root', { name: 'member.put', args: { being: '@bot', role: 'member' } })
  expect(world.verdict('@bot', claimOf(id))).toBe('applied')
})

test('V20 a lease is cut to the longest there is', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  world.claim(id, '@bot', Number.MAX_SAFE_INTEGER)
  expect(world.get(id).claim?.until).toBe(1000 + TIMES.maxLeaseMs)
})

test('V21 appends, and claiming again with the fence, renew the lease; the change says until when', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id)
  world.now = 1050
  expect(world.verdict('@bot', append(id, 'a', { at: 0, fence }))).toBe('applied')
  expect(world.get(id).claim?.until).toBe(1150)
  expect(world.changes.at(-1)?.change).toMatchObject({ kind: 'intention.append', body: { id, text: 'a', until: 1150 } })
  world.now = 1100
  expect(world.verdict('@bot', { name: 'intention.claim', args: { id, leaseMs: 500, fence } })).toBe('applied')
  expect(world.get(id)).toMatchObject({ content: ['a'], claim: { fence, until: 1600 } })
  world.now = 1500
  expect(world.verdict('@bot', append(id, 'b', { fence }))).toBe('applied')
  expect(world.get(id).claim?.until).toBe(2000)
})

test('V21 the being that holds a claim renews it by claiming again and by appending, without its fence', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  expect(world.verdict('@bot', claimOf(id))).toBe('applied')
  const { claim: first } = world.get(id)
  world.now = 1050
  expect(world.verdict('@bot', claimOf(id))).toBe('applied')
  expect(world.get(id).claim).toEqual({ ...first, until: 1150 })
  world.now = 1100
  expect(world.verdict('@bot', append(id, 'a', { at: 0 }))).toBe('applied')
  expect(world.get(id)).toMatchObject({ content: ['a'], claim: { fence: first?.fence, until: 1200 } })
  world.now = 1200
  world.expire()
  expect(world.get(id)).toMatchObject({ state: 'draft', claim: null })
  expect(world.verdict('@bot', claimOf(id))).toBe('applied')
  expect(world.get(id).claim?.fence).toBeGreaterThan(first?.fence ?? 0)
})

test('V22 while a claim stands only its holder appends without its fence, and nothing is written with one that does not stand', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const first = world.claim(id)
  world.ask('@bot', append(id, 'first', { fence: first }))
  world.now = 1100
  world.expire()
  const second = world.claim(id)
  const before = world.changes.length
  for (const actor of ['@bot', '@owner'])
    for (const fence of [first, second + 1, 1]) {
      expect(world.verdict(actor, append(id, 'x', { fence }))).toBe('fenced')
      expect(world.verdict(actor, update(id, { state: 'complete', fence }))).toBe('fenced')
      expect(world.verdict(actor, { name: 'intention.claim', args: { id, leaseMs: 9, fence } })).toBe('fenced')
    }
  for (const actor of ['@owner', '@root']) expect(world.verdict(actor, append(id, 'x'))).toBe('fenced')
  expect(world.verdict('@eve', append(id, 'x'))).toBe('forbidden')
  expect(world.verdict('@bot', update(id, { state: 'complete' }))).toBe('fenced')
  expect(world.verdict('@root', update(id, { content: ['x'] }))).toBe('fenced')
  expect(world.changes.length).toBe(before)
  expect(world.verdict('@bot', update(id, { state: 'complete', fence: second }))).toBe('applied')
  expect(world.verdict('@bot', append(id, 'x', { fence: second }))).toBe('fenced')
})

test('V23 `at` counts code units: a repeat is applied and changes nothing, a gap and other text are rejected', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id)
  const say = (text: string, at: number) => world.ask('@bot', append(id, text, { at, fence }))
  expect(say('smile 😀', 0).status).toBe('applied')
  expect(say('!', 8).status).toBe('applied')
  const before = world.changes.length
  for (const [text, at] of [
    ['smile 😀', 0],
    ['!', 8],
    ['le', 3],
  ] as const) {
    const repeated = say(text, at)
    expect([repeated.status, repeated.version]).toEqual(['applied', undefined])
  }
  for (const [text, at] of [
    ['x', 10],
    ['?', 8],
    ['!!', 8],
    ['x', 1_000_000],
  ] as const)
    expect(say(text, at).error?.code).toBe('gap')
  expect(world.changes.length).toBe(before)
  expect(writtenIn(world.get(id).content)).toBe('smile 😀!')
})

test('V24 complete, failed with a reason and cancelled end a claim', () => {
  for (const state of ['complete', 'failed', 'cancelled'] as const) {
    const world = new ClaimWorld()
    const id = world.asked()
    const fence = world.claim(id)
    world.ask('@bot', update(id, { state, fence, reason: 'The model is away' }))
    expect(world.get(id)).toMatchObject({ state, claim: null })
    expect(world.get(id).reason).toBe(state === 'failed' ? 'The model is away' : undefined)
  }
})

test('V24 setting it back to draft hands a claim back: the text goes and is kept apart, the attempt stays', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id)
  world.ask('@bot', append(id, 'half a', { fence }))
  world.ask('@bot', update(id, { state: 'draft', fence }))
  expect(world.get(id)).toMatchObject({ state: 'draft', claim: null, attempt: 1, content: [], former: ['half a'] })
  expect(world.claim(id)).toBeGreaterThan(fence)
})

test('V25 a lease that ran out gives a draft again, its text cleared and kept apart, until the attempts are used up', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  for (const attempt of [1, 2, 3]) {
    const fence = world.claim(id)
    world.ask('@bot', append(id, `try ${attempt}`, { at: 0, fence }))
    world.now += 99
    world.expire()
    expect(world.get(id)).toMatchObject({ state: 'active', attempt })
    world.now += 1
    world.expire()
    expect(world.get(id).claim).toBeNull()
    if (attempt < 3)
      expect(world.get(id)).toMatchObject({
        state: 'draft',
        attempt: attempt + 1,
        content: [],
        former: [`try ${attempt}`],
      })
  }
  expect(world.get(id)).toMatchObject({ state: 'failed', content: ['try 3'] })
  expect(world.get(id).reason).toMatch(/3 attempts/)
})

test('V25 what stood there before it was claimed stands there again', () => {
  const world = new ClaimWorld()
  const id = world.newId()
  world.ask('@bot', { name: 'intention.create', args: { id, type: 'utterance', state: 'draft', content: ['job: '] } })
  const fence = world.claim(id)
  world.ask('@bot', append(id, 'half', { at: 5, fence }))
  world.now += 100
  world.expire()
  expect(world.get(id)).toMatchObject({ state: 'draft', content: ['job: '], former: ['job: half'], attempt: 2 })
})

test.each([
  ['@ada', 'applied'],
  ['@root', 'applied'],
  ['@owner', 'applied'],
  ['@eve', 'forbidden'],
  ['@bot', 'fenced'],
])('V26 %s cancels a reply without its fence: %s; and its holder writes no more', (actor, expected) => {
  const world = new ClaimWorld()
  const id = world.asked()
  const fence = world.claim(id)
  world.ask('@bot', append(id, 'well', { fence }))
  expect(world.verdict(actor, update(id, { state: 'cancelled' }))).toBe(expected)
  if (expected !== 'applied') return
  expect(world.get(id)).toMatchObject({ state: 'cancelled', claim: null, content: ['well'] })
  expect(world.verdict('@bot', append(id, 'x', { fence }))).toBe('fenced')
  expect(world.verdict(actor, update(id, { state: 'cancelled' }))).toBe('applied')
})

test('V26 who asked cannot cancel what is complete, nor write in the name of the bot', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  expect(world.verdict('@ada', update(id, { state: 'cancelled', content: ['mine'] }))).toBe('forbidden')
  expect(world.verdict('@ada', update(id, { state: 'complete' }))).toBe('forbidden')
  const fence = world.claim(id)
  world.ask('@bot', update(id, { state: 'complete', fence }))
  expect(world.verdict('@ada', update(id, { state: 'cancelled' }))).toBe('forbidden')
})

test.each([
  ['@ada', 'applied'],
  ['@root', 'applied'],
  ['@owner', 'applied'],
  ['@bot', 'applied'],
  ['@eve', 'forbidden'],
])('V27 %s retries what failed or was cancelled: %s', (actor, expected) => {
  for (const state of ['failed', 'cancelled'] as const) {
    const world = new ClaimWorld()
    const id = world.asked()
    const fence = world.claim(id)
    world.ask('@bot', append(id, 'half', { fence }))
    world.ask('@bot', update(id, { state, fence, ...(state === 'failed' ? { reason: 'no' } : {}) }))
    expect(world.verdict(actor, { name: 'intention.retry', args: { id } })).toBe(expected)
    if (expected !== 'applied') continue
    expect(world.get(id)).toMatchObject({ state: 'draft', attempt: 1, content: [], former: ['half'], claim: null })
    expect(world.get(id).reason).toBeUndefined()
  }
})

test('V27 what waits or is under way is left alone by a retry, and what is complete is not begun anew', () => {
  const world = new ClaimWorld()
  const id = world.asked()
  const retry = { name: 'intention.retry', args: { id } } as const
  const before = world.changes.length
  expect(world.ask('@ada', retry)).toMatchObject({ status: 'applied' })
  expect(world.changes.length).toBe(before)
  const fence = world.claim(id)
  expect(world.verdict('@ada', retry)).toBe('applied')
  expect(world.get(id).claim?.fence).toBe(fence)
  world.ask('@bot', update(id, { state: 'complete', fence }))
  expect(world.verdict('@ada', retry)).toBe('forbidden')
})

/** Copies of a bot that know their own fence and how far they wrote, and nothing of each other. */
type Act =
  | { type: 'claim'; copy: number }
  | { type: 'append'; copy: number; again: boolean }
  | { type: 'complete'; copy: number }
  | { type: 'wait'; ms: number }
  | { type: 'retry' }
  | { type: 'cancel' }

const copy = fc.nat(2)
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constant('claim' as const), copy }),
  fc.record({ type: fc.constant('append' as const), copy, again: fc.boolean() }),
  fc.record({ type: fc.constant('append' as const), copy, again: fc.boolean() }),
  fc.record({ type: fc.constant('complete' as const), copy }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120 }) }),
  fc.constantFrom<Act>({ type: 'retry' }, { type: 'cancel' }),
)

test('V28 whatever copies of a bot do in whatever order, the text is that of one holder, whole, and a stale one never writes', () => {
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 80 }), (story) => {
      const world = new ClaimWorld()
      const id = world.asked()
      const held = new Map<number, { fence: number; written: string }>()
      let winner: number | undefined
      for (const act of story) {
        switch (act.type) {
          case 'claim': {
            const standing = world.get(id).claim
            const { status, version } = world.ask('@bot', claimOf(id, { fence: 0 }))
            if (status !== 'applied' || version === undefined) break
            expect(standing).toBeNull()
            held.set(act.copy, { fence: version, written: '' })
            winner = act.copy
            break
          }
          case 'append': {
            const own = held.get(act.copy)
            if (own === undefined) break
            const token = `${act.copy}${own.written.length};`
            const text = act.again && own.written !== '' ? own.written.slice(-1) : token
            const at = act.again && own.written !== '' ? own.written.length - 1 : own.written.length
            const { status } = world.ask('@bot', append(id, text, { at, fence: own.fence }))
            const stands = world.get(id).claim?.fence === own.fence
            expect(status).toBe(stands ? 'applied' : 'rejected')
            if (status === 'applied' && text === token) own.written += token
            break
          }
          case 'complete': {
            const own = held.get(act.copy)
            if (own !== undefined) world.ask('@bot', update(id, { state: 'complete', fence: own.fence }))
            break
          }
          case 'wait':
            world.now += act.ms
            world.expire(1000)
            break
          case 'retry':
            world.ask('@ada', { name: 'intention.retry', args: { id } })
            break
          case 'cancel':
            world.ask('@ada', update(id, { state: 'cancelled' }))
            break
        }
        const now = world.get(id)
        if (now.state === 'draft') winner = undefined
        const own = winner === undefined ? undefined : held.get(winner)
        expect(writtenIn(now.content)).toBe(own?.written ?? '')
        expect(now.claim === null || now.state === 'active').toBe(true)
      }
    }),
  )
})
