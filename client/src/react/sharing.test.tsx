// @vitest-environment happy-dom
/** How often what is drawn: a component draws again for what it reads and for nothing else. */
import { cleanup } from '@testing-library/react'
import { memo, Profiler, type ReactNode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { sharedContent } from '../core/share-content.ts'
import { contentOf } from '../core/space-content.ts'
import { textOf } from '../core/text.ts'
import { aBeing, anUtterance } from '../testing/space-log.ts'
import type { IntentionView } from './space-parts.ts'
import { aLobby, show } from './testing/show.tsx'
import { useSelf } from './use-self.ts'
import { useIntention, useSpace, useSpaceIntentions, useSpacePosition } from './use-space.ts'
import { useSpaceSelector } from './use-space-state.ts'
import { useSpaces } from './use-spaces.ts'
import { useSpaceStatus } from './use-space-status.ts'
import { useMembers, useSpaceAccess } from './use-members.ts'
import { useOwnPresence } from './use-own-presence.ts'

afterEach(cleanup)

const drawn: string[] = []
const Counted = ({ id, children }: { id: string; children: ReactNode }) => (
  <Profiler id={id} onRender={() => void drawn.push(id)}>
    {children}
  </Profiler>
)

const Message = memo(({ one }: { one: IntentionView }) => (
  <Profiler id={`message ${textOf(one.content)}`} onRender={(id) => void drawn.push(id)}>
    <p>{one.author?.name}</p>
  </Profiler>
))

function Talk() {
  return useSpaceIntentions('@lobby').intentions.map((one) => <Message key={one.id} one={one} />)
}
function Space() {
  return useSpace('@lobby').status
}
function Position() {
  return String(useSpacePosition('@lobby')?.version)
}
function First({ id }: { id: string }) {
  return useIntention('@lobby', id)?.owner
}
function Count() {
  return String(useSpaceSelector('@lobby', ({ content }) => content?.beingCount))
}
function Quiet() {
  useSpaceStatus('@lobby')
  useSpaceAccess('@lobby')
  useMembers('@lobby')
  useOwnPresence('@lobby')
  useSelf()
  useSpaces()
  return null
}

test('C202 a message draws itself, and nothing that does not read it', async () => {
  const log = aLobby()
  const [first] = log.snapshot().intentions
  const { server, pass } = await show(
    <>
      <Counted id="talk">
        <Talk />
      </Counted>
      <Counted id="space">
        <Space />
      </Counted>
      <Counted id="position">
        <Position />
      </Counted>
      <Counted id="first">
        <First id={first?.id ?? ''} />
      </Counted>
      <Counted id="count">
        <Count />
      </Counted>
      <Counted id="quiet">
        <Quiet />
      </Counted>
    </>,
    {
      log,
      prepare: ({ server: those }) =>
        those.route('GET /v1/spaces', () => ({ status: 200, body: { spaces: [log.space], nextCursor: null } })),
    },
  )
  await pass(10)
  const drawnBy = async (run: () => void): Promise<string[]> => {
    drawn.length = 0
    run()
    await pass(0)
    return [...new Set(drawn)].toSorted()
  }
  const ten = () => {
    for (let index = 0; index < 10; index++)
      server.publish(log, log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', `${index}`) }))
  }
  const said = await drawnBy(ten)
  expect(said).toEqual([...Array.from({ length: 10 }, (_, index) => `message ${index}`), 'position', 'talk'])
  const last = [...log.intentions.values()].at(-1)
  const append = { kind: 'intention.append', body: { id: last?.id ?? '', text: '!' } } as const
  expect(await drawnBy(() => server.publish(log, log.write(append)))).toEqual(['message 9!', 'position', 'talk'])
  const cy = aBeing('@cy', { location: '@lobby' })
  const came = await drawnBy(() => server.publish(log, log.write({ kind: 'being.put', body: cy })))
  expect(came).toEqual(['count', 'position', 'space'])
})

test('C202 a snapshot that brings everything anew draws what is new in it', async () => {
  const { server, log, pass } = await show(
    <>
      <Counted id="talk">
        <Talk />
      </Counted>
      <Counted id="count">
        <Count />
      </Counted>
    </>,
  )
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'while away') })
  log.prune(log.version)
  drawn.length = 0
  server.connection.close(1006)
  await pass(20_000)
  expect([...new Set(drawn)].toSorted()).toEqual(['message while away', 'talk'])
  expect(server.connection.received).toContainEqual(expect.objectContaining({ type: 'subscribe', after: 3 }))
})

test('C202 content that says the same as other content is it, part by part', () => {
  const log = aLobby()
  const before = contentOf(structuredClone(log.snapshot()))
  const after = contentOf(structuredClone(log.snapshot()))
  const shared = sharedContent(before, after)
  expect(shared).toEqual(before)
  for (const part of ['space', 'beings', 'intentions', 'members'] as const) expect(shared[part]).toBe(before[part])
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Robert' }) })
  const renamed = sharedContent(before, contentOf(structuredClone(log.snapshot())))
  expect(renamed.beings['@ada']).toBe(before.beings['@ada'])
  expect(renamed.beings['@bob']?.name).toBe('Robert')
  expect(sharedContent(undefined, after)).toBe(after)
})
