// @vitest-environment happy-dom
/** The hooks of presence and signals in a real tree, over a scripted server. */
import type { Here } from '@rhizom/protocol'
import { act, cleanup, render, screen } from '@testing-library/react'
import { Profiler, type ReactNode, useState } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { aHookClient } from './testing/a-hook-client.ts'
import { aBeing, anUtterance, SpaceLog } from '../testing/space-log.ts'
import { RhizomProvider } from './provider.tsx'
import { useSpacePresence } from './use-presence.ts'
import { useSignal, useTyping } from './use-signal.ts'
import { useSpace, useSpaceIntentions } from './use-space.ts'

afterEach(cleanup)

const here = (being: string, since: number, state: Here['state'] = {}): Here => ({ being, since, state })

async function show(children: ReactNode, roster: { here: Here[]; count?: number } = { here: [] }) {
  const parts = aHookClient()
  const { server, environment } = parts
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada' }) })
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Bob', lastSeenAt: 5 }) })
  server.serve(log)
  server.rosters.set('@lobby', roster)
  server.route('GET /v1/beings', (_body, url) => ({
    status: 200,
    body: { beings: (url.searchParams.get('ids') ?? '').split(',').map((id) => aBeing(id, { name: `Guest ${id}` })) },
  }))
  render(<RhizomProvider client={parts.client}>{children}</RhizomProvider>)
  const pass = (ms: number) =>
    act(async () => {
      await environment.advance(ms)
      await environment.settle()
      await environment.settle()
    })
  await pass(0)
  await pass(0)
  return { ...parts, log, pass }
}

const shown = (): string => screen.getByTestId('shown').textContent ?? ''

function Roster() {
  const { here: those, hereCount, isSample, away, frozen, stale } = useSpacePresence('@lobby')
  const marks = [isSample && 'sample', frozen && 'frozen', stale && 'stale'].filter(Boolean).join(' ')
  const names = those.map(
    ({ being, entity, state }) => `${entity?.name ?? being}${state['away'] === true ? ' away' : ''}`,
  )
  return (
    <p data-testid="shown">
      {`${hereCount}: ${names.join(', ')} [${marks}] away ${away.map(({ entity, lastSeenAt }) => `${entity.name} ${lastSeenAt}`).join(', ')}`}
    </p>
  )
}

test('C120 useSpacePresence tells who is here, who is located there but away, and follows every change', async () => {
  const { server, environment, pass } = await show(<Roster />, { here: [here('@ada', 1)] })
  expect(shown()).toBe('1: Ada [] away Bob 5')
  server.tellPresence('@lobby', { joined: [here('@bob', 2)], hereCount: 2 })
  await pass(0)
  expect(shown()).toBe('2: Ada, Bob [] away ')
  server.tellPresence('@lobby', { updated: [here('@ada', 1, { away: true })], hereCount: 2 })
  await pass(0)
  expect(shown()).toBe('2: Ada away, Bob [] away ')
  server.tellPresence('@lobby', { left: ['@bob'], hereCount: 1, frozen: true })
  await pass(0)
  expect(shown()).toBe(`1: Ada away [frozen] away Bob ${environment.dateMs()}`)
})

test('C125 when those who are away were last here is asked once for all, since leaving is no change of a space', async () => {
  const { server, pass } = await show(<Roster />)
  server.route('GET /v1/beings', (_body, url) => ({
    status: 200,
    body: { beings: (url.searchParams.get('ids') ?? '').split(',').map((id) => aBeing(id, { lastSeenAt: 77 })) },
  }))
  expect(shown()).toBe('0:  [] away Ada null, Bob 5')
  await pass(20)
  await pass(20)
  expect(shown()).toBe('0:  [] away Ada 77, Bob 77')
  expect(server.requests.map(({ path }) => path)).toEqual(['/v1/beings'])
})

test('C104 a reconnect shows the last roster as stale and nobody blinks', async () => {
  const { server, pass } = await show(<Roster />, { here: [here('@ada', 1), here('@bob', 2)] })
  server.script = 'refuse'
  server.connection.close(1006)
  await pass(60_000)
  expect(shown()).toBe('2: Ada, Bob [stale] away ')
  server.script = 'serve'
  await pass(20_000)
  expect(shown()).toBe('2: Ada, Bob [] away ')
})

test('C102 a sample is said to be one, and then nobody is called away', async () => {
  await show(<Roster />, { here: [here('@ada', 1)], count: 132 })
  expect(shown()).toBe('132: Ada [sample] away ')
})

test('C121 strangers who are here are looked up together and shown by their id until known', async () => {
  const strangers = Array.from({ length: 150 }, (_, index) => here(`@s-${index}`, index))
  const { server, pass } = await show(<Roster />, { here: [here('@ada', 0), ...strangers] })
  expect(shown()).toContain('Ada, @s-0, @s-1,')
  await pass(20)
  await pass(20)
  expect(shown()).toContain('Ada, Guest @s-0, Guest @s-1,')
  const asked = server.requests.filter(({ path }) => path === '/v1/beings')
  expect(asked).toHaveLength(2)
  server.tellPresence('@lobby', { updated: [here('@s-0', 0, { away: true })], hereCount: 151 })
  await pass(20)
  expect(server.requests.filter(({ path }) => path === '/v1/beings')).toHaveLength(2)
})

test('C121 an api that is away is asked again for all at once', async () => {
  const { server, pass } = await show(<Roster />, { here: [here('@s-1', 1), here('@s-2', 2), here('@s-3', 3)] })
  server.route('GET /v1/beings', () => 'fail')
  await pass(20)
  const asked: (string | null)[] = []
  server.route('GET /v1/beings', (_body, url) => {
    asked.push(url.searchParams.get('ids'))
    return 'fail'
  })
  await vi.waitFor(
    async () => {
      await pass(20)
      expect(asked).not.toEqual([])
    },
    { timeout: 5_000 },
  )
  expect(asked).toEqual(['@s-1,@s-2,@s-3,@ada,@bob'])
  expect(shown()).toBe('3: @s-1, @s-2, @s-3 [] away Ada null, Bob 5')
})

test('C116 in a crowd one sees oneself, first, counted once, and in the state one has set', async () => {
  const crowd = Array.from({ length: 3 }, (_, index) => here(`@s-${index}`, index))
  const { client, server, pass } = await show(
    <>
      <Space />
      <Roster />
    </>,
    { here: crowd, count: 300 },
  )
  await pass(20)
  await pass(20)
  const roster = () => screen.getByTestId('shown').textContent
  expect(roster()).toBe('300: Ada, Guest @s-0, Guest @s-1, Guest @s-2 [sample] away ')
  client.setPresence('@lobby', { away: true })
  await pass(0)
  expect(roster()).toBe('300: Ada away, Guest @s-0, Guest @s-1, Guest @s-2 [sample] away ')
  server.tellPresence('@lobby', { left: ['@s-0'], joined: [here('@ada', 7)], hereCount: 299 })
  await pass(0)
  expect(roster()).toBe('299: Ada, Guest @s-1, Guest @s-2 [sample] away ')
})

test('C116 one who is alone and not told of yet is one, and located here without being called away', async () => {
  await show(
    <>
      <Space />
      <Roster />
    </>,
  )
  expect(screen.getByTestId('shown').textContent).toBe('1: Ada [] away Bob 5')
})

function Few() {
  const { here: those, away } = useSpacePresence('@lobby', { shown: 2 })
  return (
    <p data-testid="shown">
      {[...those.map(({ entity }) => entity?.name ?? '?'), ...away.map(({ lastSeenAt }) => lastSeenAt ?? '-')].join(
        ' ',
      )}
    </p>
  )
}

test('C126 of long lists only those are looked up that are shown', async () => {
  const { server, pass } = await show(<Few />, { here: [1, 2, 3, 4].map((index) => here(`@s-${index}`, index)) })
  await pass(20)
  await pass(20)
  expect(shown()).toBe('Guest @s-1 Guest @s-2 ? ? - 5')
  expect(server.requests.map(({ path }) => path)).toEqual(['/v1/beings'])
})

function Typing() {
  const { typing, notify } = useTyping('@lobby')
  return (
    <button type="button" data-testid="shown" onClick={notify}>
      {typing.map(({ being, entity }) => entity?.name ?? being).join(', ')}
    </button>
  )
}

test('C122 useTyping tells who else is typing, until they say it, leave or stop', async () => {
  const { server, log, pass } = await show(<Typing />)
  for (const being of ['@ada', '@bob', '@cy']) server.signal('@lobby', being, 'typing')
  await pass(0)
  expect(shown()).toBe('Bob, @cy')
  await pass(20)
  expect(shown()).toBe('Bob, Guest @cy')
  server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'done') }))
  await pass(0)
  expect(shown()).toBe('Guest @cy')
  await pass(4_000)
  expect(shown()).toBe('')
  screen.getByTestId('shown').click()
  screen.getByTestId('shown').click()
  expect(server.connection.received.filter(({ type }) => type === 'signal')).toEqual([
    { type: 'signal', space: '@lobby', name: 'typing', data: {} },
  ])
})

const Typists = () =>
  useTyping('@lobby')
    .typing.map(({ entity }) => entity?.name)
    .join(', ')

function Waves() {
  const [waves, setWaves] = useState('')
  const wave = useSignal('@lobby', 'wave', ({ from, data }) => setWaves(`${waves}${from} ${JSON.stringify(data)};`))
  return (
    <button type="button" data-testid="shown" onClick={() => wave({ to: '@bob' })}>
      {waves}
    </button>
  )
}

test('C123 useSignal hears one name with the listener of the last render, and sends', async () => {
  const { server, pass } = await show(<Waves />)
  server.signal('@lobby', '@bob', 'wave', { n: 1 })
  await pass(0)
  server.signal('@lobby', '@bob', 'wave', { n: 2 })
  server.signal('@lobby', '@bob', 'nod')
  await pass(0)
  expect(shown()).toBe('@bob {"n":1};@bob {"n":2};')
  screen.getByTestId('shown').click()
  expect(server.connection.received.at(-1)).toEqual({
    type: 'signal',
    space: '@lobby',
    name: 'wave',
    data: { to: '@bob' },
  })
})

function Space({ present }: { present?: boolean }) {
  return useSpace('@lobby', present === undefined ? {} : { present }).status
}
const Talk = () => String(useSpaceIntentions('@lobby').intentions.length)

test('C108 useSpace makes one present and the other hooks only watch, in one subscription', async () => {
  const { server } = await show(
    <>
      <Roster />
      <Typing />
      <Talk />
      <Space />
    </>,
  )
  expect(server.connection.received).toMatchObject([{ type: 'hello' }, { type: 'subscribe', present: true }])
  cleanup()
  const other = await show(
    <>
      <Talk />
      <Space present={false} />
    </>,
  )
  expect(other.server.connection.received).toMatchObject([{ type: 'hello' }, { type: 'subscribe', present: false }])
})

test('C124 what changes about presence, or what is said, renders only what shows it', async () => {
  const renders = { space: 0, roster: 0, typing: 0, talk: 0 }
  const count = (id: keyof typeof renders, children: ReactNode) => (
    <Profiler id={id} onRender={() => (renders[id] += 1)}>
      {children}
    </Profiler>
  )
  const { server, log, pass } = await show(
    <>
      {count('space', <Space />)}
      {count('roster', <Roster />)}
      {count('typing', <Typists />)}
      {count('talk', <Talk />)}
    </>,
    { here: [here('@bob', 1)] },
  )
  await pass(20)
  const rendered = async (what: () => void) => {
    const before = { ...renders }
    what()
    await pass(20)
    return Object.keys(renders).filter((id) => renders[id as keyof typeof renders] > before[id as keyof typeof renders])
  }
  expect(await rendered(() => server.tellPresence('@lobby', { joined: [here('@ada', 2)], hereCount: 2 }))).toEqual([
    'roster',
  ])
  expect(await rendered(() => server.signal('@lobby', '@bob', 'typing'))).toEqual(['typing'])
  expect(await rendered(() => server.signal('@lobby', '@bob', 'typing'))).toEqual([])
  expect(await rendered(() => server.signal('@lobby', '@bob', 'wave'))).toEqual([])
  const said = log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'Hello') })
  expect(await rendered(() => server.publish(log, said))).toEqual(['talk'])
  const renamed = log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada L.' }) })
  expect(await rendered(() => server.publish(log, renamed))).toEqual(['space', 'roster', 'talk'])
})

test('C117 a frame that names who came with the answer, oneself included, renders nothing', async () => {
  let renders = 0
  const { server, pass } = await show(
    <>
      <Profiler id="roster" onRender={() => (renders += 1)}>
        <Roster />
      </Profiler>
      <Space />
    </>,
    { here: [here('@ada', 1), here('@bob', 2, { status: 'busy' })] },
  )
  await pass(20)
  const before = renders
  server.tellPresence('@lobby', {
    joined: [here('@ada', 1), here('@bob', 2, { status: 'busy' })],
    updated: [here('@zoe', 3, { away: true })],
    hereCount: 2,
  })
  await pass(20)
  expect(renders).toBe(before)
  server.tellPresence('@lobby', { joined: [here('@cy', 3)], hereCount: 3 })
  await pass(0)
  expect(renders).toBeGreaterThan(before)
})

test('C111 typing ends with a leave, and for everybody when the connection is lost', async () => {
  const { server, pass } = await show(<Typing />, { here: [here('@bob', 1), here('@cy', 2)] })
  for (const being of ['@bob', '@cy']) server.signal('@lobby', being, 'typing')
  await pass(20)
  await pass(20)
  expect(shown()).toBe('Bob, Guest @cy')
  server.tellPresence('@lobby', { left: ['@cy'], hereCount: 1 })
  await pass(0)
  expect(shown()).toBe('Bob')
  server.script = 'refuse'
  server.connection.close(1006)
  await pass(0)
  expect(shown()).toBe('')
})
