import { postMutationsBodySchema } from '@rhizom/protocol'
import { describe, expect, it } from 'vitest'
import { aPlan } from '../testing/a-plan.ts'
import { TokenStream } from './token-stream.ts'
import { uuidV7 } from './wire.ts'

const plan = aPlan({ writers: 5, rate: 100, stream: { tokensPerSecond: 60, tokensPerReply: 7 } })
let ids = 0
const newId = (): string => uuidV7(1_700_000_000_000 + ids++, () => 0.5)

/** What a stream says in so many turns, each taken. */
function spoken(stream: TokenStream, turns: number) {
  return Array.from({ length: turns }, (_, turn) => {
    const mutations = stream.next()
    expect(postMutationsBodySchema.parse({ mutations }).mutations).toHaveLength(1)
    stream.acknowledged([10 + turn])
    return mutations[0]
  })
}

describe('a stream', () => {
  it('L20 is a draft, a claim, appends under it that say where they belong, and an end', () => {
    const stream = new TokenStream(plan, '@lobby', newId)
    const said = spoken(stream, 6)
    expect(said.map((mutation) => mutation?.name)).toEqual([
      'intention.create',
      'intention.claim',
      ...Array<string>(3).fill('intention.append'),
      'intention.update',
    ])
    expect(said[0]?.args).toMatchObject({ state: 'draft' })
    expect(said[1]?.args).toMatchObject({ fence: 0 })
    expect(said.slice(2, 5).map((mutation) => [mutation?.args['at'], mutation?.args['fence']])).toEqual([
      [0, 11],
      [15, 11],
      [30, 11],
    ])
    expect(said[5]?.args).toMatchObject({ state: 'complete', fence: 11 })
    expect(new Set(said.map((mutation) => mutation?.args['id'])).size).toBe(1)
    expect(stream.complete).toBe(1)
  })

  it('L20 is followed by the next, and begins anew where something was refused', () => {
    const stream = new TokenStream(plan, '@lobby', newId)
    const first = spoken(stream, 6)[0]?.args['id']
    const second = spoken(stream, 3)[0]?.args['id']
    expect(second).not.toBe(first)
    stream.next()
    stream.acknowledged([undefined])
    expect(stream.next()[0]?.name).toBe('intention.create')
    expect(stream.complete).toBe(1)
  })
})
