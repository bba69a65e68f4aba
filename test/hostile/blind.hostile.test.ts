/**
 * Shows that the verdict can fail: nodes that do what none may do (preload/planted.ts), one thing for each word they
 * read, and each is found: by the verdict over an attack, and by the fuzz, which also says with what.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../wire/api-caller.ts'
import { WsPeer } from './bytes/ws-peer.ts'
import type { Episode } from './fuzz/episode.ts'
import { Fuzz } from './fuzz/fuzz.ts'
import { hunt } from './fuzz/hunt.ts'
import type { Plant } from './preload/planted.ts'
import { RAISED_LIMITS } from './settings.ts'
import { type Arena, Stage } from './stage.ts'

/** Words that an attack says on purpose, and words that the fuzz says by chance. */
const PLANTS: Plant[] = [
  { word: 'planted-end', effect: 'end' },
  { word: 'planted-leak', effect: 'leak' },
  { word: 'planted-hold', effect: 'hold' },
  { word: 'planted-log', effect: 'log an error' },
  { word: 'planted-500', effect: 'answer 500' },
  { word: '"hasOwnProperty"', effect: 'end' },
  { word: 'cursor=%40fuzz-none', effect: 'answer 500' },
  { word: 'cursor=%40fuzz-closed', effect: 'answer what is not described' },
  { word: '"__defineGetter__"', effect: 'close oddly' },
]

let stage: Stage

beforeAll(async () => {
  const planted = { PLANTS: JSON.stringify(PLANTS) }
  stage = await Stage.start({
    preload: [new URL('./preload/planted.ts', import.meta.url)],
    env: { api: { ...RAISED_LIMITS.api, ...planted }, gateway: { ...RAISED_LIMITS.gateway, ...planted } },
  })
})
afterAll(async () => {
  await stage?.stop()
})

const judge = async (strike: (arena: Arena) => Promise<void>): Promise<string[]> =>
  (await stage.judge({ name: 'planted', strike })).problems

const saying =
  (word: string) =>
  async ({ gateways: [gateway], stranger }: Arena): Promise<void> => {
    const ws = await WsPeer.live(gateway, (await stranger()).token)
    await ws.say({ type: 'signal', space: '@none', name: word })
    await ws.isServed(90_000)
    ws.cut()
  }

test('H20 nothing planted, nothing found', async () => {
  expect(await judge(saying('hello'))).toEqual([])
})

test.each([
  ['ends', saying('planted-end'), /^gateway-1 ended$/],
  ['keeps memory', saying('planted-leak'), /^gateway-1 keeps \d+ MiB more memory than before$/],
  ['stands still', saying('planted-hold'), /^the bystander waited \d+ ms for a pong of gateway-1$/],
  ['logs an error', saying('planted-log'), /^gateway-1 logged .*planted/],
  [
    'answers 500',
    async ({ api, claim }: Arena) => {
      const { status } = await call(api, 'GET', '/v1/planted-500')
      claim(status < 500, `answered ${status}`)
    },
    /^answered 500$/,
  ],
])('H20 a node that %s is found', async (_what, strike, expected) => {
  expect(await judge(strike)).toContainEqual(expect.stringMatching(expected))
})

test('H20 a change that a watcher was not given is found', async () => {
  expect(await judge(async () => stage.bystander.loseOne())).toContainEqual(expect.stringMatching(/^lost: watcher-1/))
})

test.each([
  ['ends a node', /gateway-\d ended/, '"hasOwnProperty"'],
  ['is answered 500', /answered 500/, 'cursor=%40fuzz-none'],
  ['is answered what is not described', /an answer that its schema does not know/, 'cursor=%40fuzz-closed'],
  ['is closed with an odd code', /closed with 4777, which is no code of the contract/, undefined],
])('H21 the fuzz finds what %s, and says with which seed and input', async (_what, why, input) => {
  // Of the others nothing is said, so that each is found by its own word. Which words lead to an odd close does not
  // matter.
  const others = PLANTS.filter(
    ({ word, effect }) => word !== input && (input !== undefined || effect !== 'close oddly'),
  )
  const says = ({ steps }: Episode, word: string): boolean =>
    steps.some(({ text, request }) => text.includes(word) || request?.path.includes(word) === true)
  const fuzz = await Fuzz.open(stage, { isWanted: (episode) => !others.some(({ word }) => says(episode, word)) })
  const deadline = performance.now() + 30_000
  const caught = await hunt(stage, fuzz, 1, () => performance.now() < deadline, {
    say: () => {},
    found: () => {},
    most: 5,
  })
  fuzz.stop()
  expect(caught.told).toMatch(why)
  if (input !== undefined) expect(caught.told).toContain(JSON.stringify(input).slice(1, -1))
  expect(caught.told).toContain(`seed ${caught.seed}: `)
})
