// @vitest-environment happy-dom
/** An app's own types, as the compiler sees them and as they behave. */
import { cleanup, screen } from '@testing-library/react'
import type { JsonObject } from '@rhizom/protocol'
import { afterEach, expect, expectTypeOf, test } from 'vitest'
import { anUtterance } from '../testing/space-log.ts'
import { aLobby, show } from './testing/show.tsx'
import { type TypedIntention, typedHooks } from './typed-hooks.ts'
import { useSpace } from './use-space.ts'

afterEach(cleanup)

interface Picture {
  type: 'picture'
  url: string
}
interface Cursor {
  x: number
  y: number
}

const pictureOf = ({ type, url }: JsonObject): Picture | undefined =>
  type === 'picture' && typeof url === 'string' ? { type, url } : undefined
const cursorOf = ({ x, y }: JsonObject): Cursor | undefined =>
  typeof x === 'number' && typeof y === 'number' ? { x, y } : undefined

const { useSpaceIntentions, useIntention, useSay, useSpacePresence, useOwnPresence } = typedHooks({
  node: pictureOf,
  state: cursorOf,
})

test('C206 content and presence have the types of the app, in and out', () => {
  expectTypeOf<ReturnType<typeof useSpaceIntentions>['intentions'][number]['content']>().toEqualTypeOf<
    readonly (string | Picture)[]
  >()
  expectTypeOf<ReturnType<typeof useIntention>>().toEqualTypeOf<TypedIntention<Picture> | undefined>()
  expectTypeOf<ReturnType<typeof useSpacePresence>['here'][number]['state']>().toEqualTypeOf<Cursor | undefined>()
  expectTypeOf<ReturnType<typeof useOwnPresence>[0]>().toEqualTypeOf<Cursor | undefined>()
  expectTypeOf<Parameters<ReturnType<typeof useOwnPresence>[1]>[0]>().toEqualTypeOf<Cursor>()
  type Said = Parameters<ReturnType<typeof useSay>>[0]
  expectTypeOf<readonly [string, Picture]>().toExtend<Said>()
  expectTypeOf<readonly [{ type: 'video' }]>().not.toExtend<Said>()
  expectTypeOf<readonly [{ type: 'picture' }]>().not.toExtend<Said>()
})

function Page() {
  useSpace('@lobby')
  const { intentions } = useSpaceIntentions('@lobby')
  const { here } = useSpacePresence('@lobby')
  const [own, setOwn] = useOwnPresence('@lobby')
  const say = useSay('@lobby')
  return (
    <button
      type="button"
      onClick={() => {
        setOwn({ x: 1, y: 2 })
        void say(['look: ', { type: 'picture', url: 'https://example.org/a.png' }])
      }}
    >
      {intentions
        .map(({ content, unknownNodes }) => {
          const parts = content.map((item) => (typeof item === 'string' ? item : `[${item.url}]`))
          return `${parts.join('')} ${unknownNodes.length} unknown`
        })
        .join('|')}
      {here.map(({ being, state }) => ` ${being} at ${state?.x}`)} own {own?.x}
    </button>
  )
}

test('C206 what is none of the types of the app is told apart, and what it says leaves as it is', async () => {
  const log = aLobby()
  const content = ['see ', { type: 'picture', url: 'u' }, { type: 'video', id: 7 }, { type: 'picture', url: 3 }]
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', '', { content }) })
  const sent: unknown[] = []
  const { pass, server } = await show(<Page />, {
    log,
    prepare(parts) {
      parts.server.rosters.set('@lobby', {
        here: [
          { being: '@bob', state: { x: 5, y: 6 }, since: 1 },
          { being: '@cy', state: { x: 'left' }, since: 2 },
        ],
      })
      parts.server.route('GET /v1/beings', () => ({ status: 200, body: { beings: [] } }))
      parts.server.route('POST /v1/mutations', (body) => {
        sent.push(body)
        return 'fail'
      })
    },
  })
  const button = screen.getByRole('button')
  expect(button.textContent).toBe('hello 0 unknown|see [u] 2 unknown @ada at undefined @bob at 5 @cy at undefined own ')
  button.click()
  await pass(10)
  const said = { args: { content: ['look: ', { type: 'picture', url: 'https://example.org/a.png' }] } }
  expect(sent).toMatchObject([{ mutations: [said] }])
  const shown = server.connection.received.filter(({ type }) => type === 'presence')
  expect(shown).toMatchObject([{ state: { x: 1, y: 2 } }])
})
