// @vitest-environment happy-dom
/** The replies of bots, from being asked to their end, on a scripted server. */
import type { Intention } from '@rhizom/protocol'
import { cleanup, screen } from '@testing-library/react'
import { Profiler, useLayoutEffect } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aBeing, anUtterance, plainText, type SpaceLog } from '../testing/space-log.ts'
import { aLobby, show, type Shown } from './testing/show.tsx'
import { type ReplyView, useReplies, useReply } from './use-replies.ts'
import { useSpaceIntentions } from './use-space.ts'

/** Frames of a screen, drawn when a test says so. */
let frames: FrameRequestCallback[] = []
function drawFrame(): void {
  for (const callback of frames.splice(0)) callback(0)
}

beforeEach(() => {
  frames = []
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => frames.push(callback))
})
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** The lobby, where somebody has asked the bot of somebody. */
function asked({ by = '@ada', botOf = '@bob', ownedBy = '' } = {}): { log: SpaceLog; question: string; reply: string } {
  const log = aLobby()
  log.write({ kind: 'being.put', body: aBeing('@bot', { type: 'bot', owner: botOf, location: '@lobby', name: 'Bot' }) })
  if (ownedBy !== '') log.write({ kind: 'member.put', body: { being: ownedBy, role: 'owner' } })
  const utterance = anUtterance('@lobby', by, '@bot why?')
  log.write({ kind: 'intention.put', body: utterance })
  const draft = { state: 'draft', content: [], replyTo: utterance.id, claim: null, attempt: 1 } as const
  const reply = anUtterance('@lobby', '@bot', '', { ...draft, content: [] })
  log.write({ kind: 'intention.put', body: reply })
  return { log, question: utterance.id, reply: reply.id }
}

const put = ({ server, log }: Shown, id: string, fields: Partial<Intention>): void => {
  const held = log.intentions.get(id)
  if (held !== undefined) server.publish(log, log.write({ kind: 'intention.put', body: { ...held, ...fields } }))
}
const append = ({ server, log }: Shown, id: string, text: string, until?: number): void =>
  server.publish(
    log,
    log.write({ kind: 'intention.append', body: { id, text, ...(until !== undefined && { until }) } }),
  )
const claim = { by: '@bot', fence: 9, until: 1_800_000_010_000 }

let seen: readonly ReplyView[] = []
function Replies({ to }: { to: string }) {
  const replies = useReplies('@lobby', to)
  useLayoutEffect(() => {
    seen = replies
  }, [replies])
  return null
}
const summary = () => seen.map(({ status, attempt, text, former, reason }) => [status, attempt, text, former, reason])
const may = () => seen.map(({ canStop, canRetry }) => [canStop, canRetry])

test('C251 a reply is asked, answering, waiting again, answering, failed, stopped and complete, without reading anew', async () => {
  const { log, question, reply } = asked()
  const shown = await show(<Replies to={question} />, { log })
  const { pass, server } = shown
  expect(summary()).toEqual([['asked', 1, '', '', undefined]])
  expect(seen[0]).toMatchObject({ id: reply, to: question, bot: '@bot', author: { name: 'Bot' } })
  const before = server.requests.length

  put(shown, reply, { state: 'active', claim })
  append(shown, reply, 'Be', claim.until + 5_000)
  await pass(0)
  drawFrame()
  await pass(0)
  expect(summary()).toEqual([['answering', 1, 'Be', '', undefined]])
  expect(shown.client.readSpace('@lobby').content?.intentions.at(-1)?.claim).toEqual({
    ...claim,
    until: claim.until + 5_000,
  })

  put(shown, reply, { state: 'draft', claim: null, content: [], former: ['Be'], attempt: 2 })
  await pass(0)
  expect(summary()).toEqual([['waiting', 2, '', 'Be', undefined]])
  put(shown, reply, { state: 'active', claim: { ...claim, fence: 20 }, content: ['Because'] })
  await pass(0)
  expect(summary()).toEqual([['answering', 2, 'Because', 'Be', undefined]])
  put(shown, reply, { state: 'failed', claim: null, reason: 'The model is away' })
  await pass(0)
  expect(summary()).toEqual([['failed', 2, 'Because', 'Be', 'The model is away']])
  put(shown, reply, { state: 'cancelled' })
  await pass(0)
  expect(summary()[0]?.[0]).toBe('stopped')
  put(shown, reply, { state: 'complete' })
  await pass(0)
  expect(summary()[0]?.[0]).toBe('complete')
  expect(server.requests.slice(before)).toEqual([])
})

test.each([
  ['who asked', { by: '@ada', botOf: '@bob' }, true],
  ['the owner of the bot', { by: '@bob', botOf: '@ada' }, true],
  ['an owner of the space', { by: '@bob', botOf: '@bob', ownedBy: '@ada' }, true],
  ['anybody else', { by: '@bob', botOf: '@bob' }, false],
])(
  'C252 %s may stop what is asked or answering and retry what failed or was stopped, or may not',
  async (_who, by, is) => {
    const { log, question, reply } = asked(by)
    const shown = await show(<Replies to={question} />, { log })
    expect(may()).toEqual([[is, false]])
    for (const [state, expected] of [
      ['active', [is, false]],
      ['failed', [false, is]],
      ['cancelled', [false, is]],
      ['complete', [false, false]],
    ] as const) {
      put(shown, reply, { state, claim: state === 'active' ? claim : null })
      await shown.pass(0)
      expect(may()).toEqual([expected])
    }
  },
)

test('C252 who becomes an owner of the space may, from then on', async () => {
  const { log, question } = asked({ by: '@bob' })
  const { server, pass } = await show(<Replies to={question} />, { log })
  expect(may()).toEqual([[false, false]])
  server.publish(log, log.write({ kind: 'member.put', body: { being: '@ada', role: 'owner' } }))
  await pass(0)
  expect(may()).toEqual([[true, false]])
})

/** Takes whatever is asked, as of the next version. */
function takesAll({ server, log }: Shown): unknown[] {
  const sent: unknown[] = []
  server.route('POST /v1/mutations', (body) => {
    const { mutations } = body as { mutations: { id: string; name: string; args: unknown }[] }
    sent.push(...mutations.map(({ name, args }) => [name, args]))
    return {
      status: 200,
      body: { results: mutations.map(({ id }) => ({ id, status: 'applied', version: log.version + 1 })) },
    }
  })
  return sent
}

test('C252 stopping and retrying show at once and ask for what the server knows', async () => {
  const { log, question, reply } = asked()
  const shown = await show(<Replies to={question} />, { log })
  const sent = takesAll(shown)
  put(shown, reply, { state: 'active', claim, content: ['Be'] })
  await shown.pass(0)
  const stopped = seen[0]?.stop()
  await shown.pass(0)
  expect(summary()).toEqual([['stopped', 1, 'Be', '', undefined]])
  await expect(stopped).resolves.toMatchObject({ status: 'applied' })
  put(shown, reply, { state: 'cancelled', claim: null })
  await shown.pass(0)
  const retried = seen[0]?.retry()
  await shown.pass(0)
  expect(summary()[0]?.[0]).toBe('waiting')
  await expect(retried).resolves.toMatchObject({ status: 'applied' })
  expect(sent).toEqual([
    ['intention.update', { id: reply, state: 'cancelled' }],
    ['intention.retry', { id: reply }],
  ])
})

test('C253 who comes late has the text so far at once, and then the stream, of one reply and of no other', async () => {
  const { log, reply } = asked()
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bot', 'Be', { ...log.intentions.get(reply) }) })
  const held = log.intentions.get(reply)
  if (held === undefined) throw new Error('there is no reply')
  log.write({ kind: 'intention.put', body: { ...held, state: 'active', claim, content: ['Because '] } })
  log.write({ kind: 'intention.append', body: { id: reply, text: 'of ' } })
  const texts: (string | undefined)[] = []
  function Late() {
    texts.push(useReply('@lobby', reply)?.text)
    return <p data-testid="nothing">{useReply('@lobby', log.intentions.keys().next().value ?? '')?.text ?? 'none'}</p>
  }
  const shown = await show(<Late />, { log })
  expect(screen.getByTestId('nothing').textContent).toBe('none')
  expect(new Set(texts)).toEqual(new Set([undefined, 'Because of ']))
  const before = texts.length
  append(shown, reply, 'this')
  shown.server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'Hm') }))
  await shown.pass(0)
  drawFrame()
  await shown.pass(0)
  expect(texts.slice(before)).toEqual(['Because of this'])
})

const textIn = (intentions: readonly Intention[] = []) => plainText(intentions.at(-1)?.content ?? [])

async function aStream() {
  const { log, reply } = asked()
  let renders = 0
  function Talk() {
    return <p data-testid="talk">{textIn(useSpaceIntentions('@lobby').intentions)}</p>
  }
  const shown = await show(
    <Profiler id="talk" onRender={() => (renders += 1)}>
      <Talk />
    </Profiler>,
    { log },
  )
  put(shown, reply, { state: 'active', claim })
  await shown.pass(0)
  const talk = () => screen.getByTestId('talk').textContent
  const held = () => textIn(shown.client.readSpace('@lobby').content?.intentions)
  return { ...shown, shown, reply, talk, held, renders: () => renders }
}

test('C254 two hundred appends over sixty frames render no more often than there are frames, and nothing is lost', async () => {
  const { shown, reply, talk, held, renders, pass } = await aStream()
  const before = renders()
  let expected = ''
  let drawn = 0
  for (let index = 0; index < 200; index += 1) {
    append(shown, reply, `${index} `, claim.until + index)
    expected += `${index} `
    await pass(0)
    expect(held()).toBe(expected)
    if ((index + 1) * 60 >= (drawn + 1) * 200) {
      drawFrame()
      drawn += 1
      await pass(0)
      expect(talk()).toBe(expected)
    }
  }
  expect(drawn).toBe(60)
  // The first words do not wait for a frame.
  expect(renders() - before).toBeLessThanOrEqual(drawn + 1)
  expect(renders() - before).toBeGreaterThan(drawn / 2)
})

test('C254 the first words and whatever is no text wait for no frame, and take along what waited', async () => {
  const { shown, reply, talk, pass, log, server } = await aStream()
  append(shown, reply, 'first')
  await pass(0)
  expect(talk()).toBe('first')
  append(shown, reply, ', second')
  await pass(0)
  expect(talk()).toBe('first')
  server.publish(log, log.write({ kind: 'being.put', body: aBeing('@cy', { location: '@lobby' }) }))
  await pass(0)
  expect(talk()).toBe('first, second')
  append(shown, reply, ', third')
  await pass(0)
  expect(talk()).toBe('first, second')
  put(shown, reply, { state: 'complete', claim: null })
  await pass(0)
  expect(talk()).toBe('first, second, third')
  drawFrame()
  await pass(0)
  expect(talk()).toBe('first, second, third')
})

test('C255 a page out of view waits for no frame, since it has none', async () => {
  const { shown, reply, talk, pass } = await aStream()
  append(shown, reply, 'a')
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  append(shown, reply, 'b')
  await pass(0)
  append(shown, reply, 'c')
  await pass(0)
  expect(talk()).toBe('abc')
})

test('C255 what was emptied while something waited for a frame is there again, whole', async () => {
  const { shown, client, reply, talk, pass } = await aStream()
  append(shown, reply, 'a')
  await pass(0)
  append(shown, reply, 'b')
  await pass(0)
  client.store.queryClient.clear()
  expect(client.store.read('@lobby')).toBeUndefined()
  drawFrame()
  expect(client.store.read('@lobby')).toBeUndefined()
  await pass(0)
  expect(talk()).toBe('ab')
  expect(shown.client.readSpace('@lobby').content?.position.version).toBe(shown.log.version)
})
