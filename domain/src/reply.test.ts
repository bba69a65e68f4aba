import { LIMITS } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { mentionsIn } from './mention.ts'
import { ClaimWorld } from './testing/claim-world.ts'

const bot = (properties = {}) => ({ type: 'bot', owner: '@owner', properties }) as const
const ownersOf = (replies: readonly { owner: string }[]): string[] => replies.map(({ owner }) => owner)

test.each([
  [['hi @bot'], ['@bot']],
  [['@bot, @Ada.'], ['@bot', '@ada']],
  [['(@bot) and "@a-b-c"!'], ['@bot', '@a-b-c']],
  [['@bots @bot-2 a@bot @@bot me.@bot @bot_x'], ['@bots', '@bot-2']],
  [['nobody', { type: 'mention', being: '@bot' }, { type: 'image', being: '@eve' }], ['@bot']],
  [[{ type: 'mention', being: 7 }], []],
])('V29 %j mentions %j', (content, expected) => {
  expect([...mentionsIn(content)]).toEqual(expected)
})

test('V30 an utterance makes the reply of each bot that it wakes, after it in the log, under its mutation', () => {
  const world = new ClaimWorld()
  const [reply] = world.say('@ada', 'what is a fence, @bot?')
  const [utterance, made] = world.changes.map(({ change }) => change)
  expect(reply).toMatchObject({
    ...{ type: 'utterance', state: 'draft', owner: '@bot', location: '@room', content: [], claim: null, attempt: 1 },
    replyTo: utterance?.kind === 'intention.put' ? utterance.body.id : '',
  })
  expect(made).toMatchObject({ kind: 'intention.put', version: 9, actor: '@ada', mutation: utterance?.mutation })
  expect(utterance?.version).toBe(8)
})

test('V30 the outcome of the utterance is its own version', () => {
  const world = new ClaimWorld()
  const result = world.ask('@ada', {
    name: 'intention.create',
    args: { id: world.newId(), type: 'utterance', content: ['@bot'] },
  })
  expect(result).toMatchObject({ status: 'applied', version: 8 })
})

test('V31 a bot wakes at `all`, at a mention (also if it says nothing), or never', () => {
  const world = new ClaimWorld({
    '@bot': bot(),
    '@chatty': bot({ wakes: 'all' }),
    '@asleep': bot({ wakes: 'never' }),
    '@odd': bot({ wakes: 7 }),
    '@elsewhere': { ...bot({ wakes: 'all' }), location: null },
    '@document': { type: 'document', properties: { wakes: 'all' } },
  })
  expect(ownersOf(world.say('@ada', 'hello'))).toEqual(['@chatty'])
  expect(ownersOf(world.say('@ada', '@bot @asleep @odd @elsewhere @eve'))).toEqual(['@bot', '@odd', '@chatty'])
})

test('V31 what is no complete utterance wakes nobody before it is', () => {
  const world = new ClaimWorld()
  const id = world.newId()
  const create = (type: 'utterance' | 'error', state: 'draft' | 'complete', own: string) =>
    world.ask('@ada', { name: 'intention.create', args: { id: own, type, state, content: ['@bot'] } })
  create('error', 'complete', world.newId())
  create('utterance', 'draft', id)
  expect(world.all().filter(({ replyTo }) => replyTo !== null)).toEqual([])
  world.ask('@ada', { name: 'intention.update', args: { id, state: 'complete' } })
  world.ask('@ada', { name: 'intention.update', args: { id, content: ['@bot again'] } })
  expect(world.all().filter(({ replyTo }) => replyTo === id)).toHaveLength(1)
})

test('V31 a bot that may not write in the space is not woken', () => {
  const world = new ClaimWorld({ '@bot': bot({ wakes: 'all' }) }, { '@bot': 'viewer' })
  expect(world.say('@ada', '@bot')).toEqual([])
})

test('V32 a bounded number of bots wakes, those that are mentioned before the others', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`@b${1000 + n}`, bot({ wakes: 'all' })]))
  const world = new ClaimWorld({ ...many, '@zed': bot() })
  const owners = ownersOf(world.say('@ada', 'all of you, and @zed'))
  expect(owners).toHaveLength(LIMITS.maxReplies)
  expect(owners.slice(0, 2)).toEqual(['@zed', '@b1000'])
})

test('V33 bots wake bots only by mention, never themselves, and a chain of replies ends', () => {
  const world = new ClaimWorld({ '@bot': bot({ wakes: 'all' }), '@other': bot({ wakes: 'all' }) })
  expect(ownersOf(world.say('@bot', 'talking to nobody'))).toEqual([])
  expect(ownersOf(world.say('@bot', 'talking to @bot and @other'))).toEqual(['@other'])
  const [first] = world.say('@ada', '@bot')
  let reply = first
  let length = 0
  while (reply !== undefined && length < 100) {
    length += 1
    const fence = world.claim(reply.id, reply.owner)
    const content = [reply.owner === '@bot' ? '@other' : '@bot']
    world.ask(reply.owner, {
      name: 'intention.update',
      args: { id: reply.id, state: 'complete', content, fence },
    })
    const { id } = reply
    reply = world.all().find(({ replyTo }) => replyTo === id)
  }
  expect(length).toBe(LIMITS.maxReplyChain)
})

test('V34 a bot that the batch brought, moved away, silenced or removed counts as the batch has left it', () => {
  const world = new ClaimWorld({ '@bot': bot({ wakes: 'all' }) })
  for (const [id, being] of world.world.beings) if (id === '@bot') world.world.bots.set('@room', id, being)
  expect(ownersOf(world.say('@ada', 'hi'))).toEqual(['@bot'])
  world.ask('@bot', { name: 'being.update', args: { id: '@bot', properties: { wakes: 'never' } } })
  expect(world.say('@ada', 'hi @bot')).toEqual([])
  world.ask('@bot', { name: 'being.update', args: { id: '@bot', properties: { wakes: 'all' } } })
  world.ask('@bot', { name: 'being.remove', args: { id: '@bot' } })
  expect(world.say('@ada', 'hi @bot')).toEqual([])
  world.ask('@ada', { name: 'being.create', args: { id: '@new', type: 'bot', name: 'New' } })
  expect(ownersOf(world.say('@ada', 'hi @new'))).toEqual(['@new'])
})
