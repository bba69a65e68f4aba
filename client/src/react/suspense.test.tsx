// @vitest-environment happy-dom
/** The hooks that suspend, and what an error boundary gets of them. */
import { cleanup, screen } from '@testing-library/react'
import { Component, type ReactNode, Suspense } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { textOf } from '../core/text.ts'
import { aBeing } from '../testing/space-log.ts'
import { problem } from '../testing/scripted-server.ts'
import { show } from './testing/show.tsx'
import { useIntention } from './use-space.ts'
import {
  SpaceClosedError,
  useSuspenseBeing,
  useSuspenseIntention,
  useSuspenseSpace,
  useSuspenseSpaceIntentions,
  useSuspenseSpacePresence,
  useSuspenseSpaceSelector,
} from './use-suspended.ts'

afterEach(cleanup)

/** Shows what was thrown, and draws its children again after a retry. */
class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined }
  static getDerivedStateFromError = (error: unknown) => ({ error })
  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    const again = () => {
      if (error instanceof SpaceClosedError) error.retry()
      this.setState({ error: undefined })
    }
    return (
      <button type="button" data-testid="shown" onClick={again}>
        {error instanceof Error ? `threw ${error.name}: ${error.message}` : 'threw something'}
      </button>
    )
  }
}

const within = (children: ReactNode) => (
  <Boundary>
    <Suspense fallback={<p data-testid="shown">waiting</p>}>{children}</Suspense>
  </Boundary>
)
/** What is new stands behind what React keeps and hides. */
const shown = (): string => screen.getAllByTestId('shown').at(-1)?.textContent ?? ''

function Name() {
  return useSuspenseSpace('@lobby').space.name
}
function Talk() {
  return useSuspenseSpaceIntentions('@lobby')
    .intentions.map(({ content }) => textOf(content))
    .join()
}
function Count() {
  return String(useSuspenseSpaceSelector('@lobby', ({ content }) => content?.beingCount))
}
function Here() {
  return String(useSuspenseSpacePresence('@lobby').away.length)
}
function One() {
  return useSuspenseIntention('@lobby', useSuspenseSpaceIntentions('@lobby').intentions[0]?.id ?? '')?.owner
}

test('C200 each hook that may have nothing to show has a twin that suspends until it has, and is live then', async () => {
  const all = (
    <p data-testid="shown">
      <Name /> <Talk /> <Count /> <Here /> <One />
    </p>
  )
  const { server, log, pass } = await show(within(all), {
    prepare: ({ server: those }) => (those.script = 'ignore'),
  })
  expect(shown()).toBe('waiting')
  server.script = 'serve'
  await pass(15_000)
  expect(shown()).toBe('lobby hello 2 1 @bob')
  server.publish(log, log.write({ kind: 'space.put', body: { ...log.space, name: 'Renamed' } }))
  await pass(0)
  expect(shown()).toBe('Renamed hello 2 1 @bob')
  const subscribed = server.connection.received.filter(({ type }) => type === 'subscribe')
  expect(subscribed).toMatchObject([{ present: false }, { present: true, after: 3 }])
})

/** React takes its time to show what came after something else was there. */
const becomes = (pass: (ms: number) => Promise<void>, what: string) =>
  vi.waitFor(
    async () => {
      await pass(10)
      expect(shown()).toBe(what)
    },
    { timeout: 20_000 },
  )

function Somebody({ id }: { id: string }) {
  const { being } = useSuspenseBeing(id)
  return <p data-testid="shown">{being?.name ?? 'nobody'}</p>
}

test('C200 a being is looked up once, and what fails is thrown and can be asked for again', async () => {
  const errors = vi.spyOn(console, 'error').mockReturnValue()
  let isAway = false
  const { server, pass, draw } = await show(within(<Somebody id="@cy" />), {
    prepare: ({ server: those }) =>
      those.route('GET /v1/beings', (_body, url) =>
        isAway
          ? { status: 403, body: problem(403, 'forbidden') }
          : { status: 200, body: { beings: url.search.includes('cy') ? [aBeing('@cy', { name: 'Cy' })] : [] } },
      ),
  })
  for (let turn = 0; turn < 4; turn++) await pass(10)
  expect(shown()).toBe('Cy')
  expect(server.requests).toHaveLength(1)
  await draw(within(<Somebody key="other" id="@nobody" />))
  await becomes(pass, 'nobody')
  isAway = true
  await draw(within(<Somebody key="third" id="@dot" />))
  await becomes(pass, 'threw Error: It is forbidden.')
  errors.mockRestore()
})

test('C201 a space that may not be read is thrown with its code, and is there after a retry', async () => {
  const errors = vi.spyOn(console, 'error').mockReturnValue()
  const { server, log, pass } = await show(
    within(
      <p data-testid="shown">
        <Name />
      </p>,
    ),
  )
  expect(shown()).toBe('lobby')
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'revoked', message: 'not for you' })
  await pass(0)
  expect(shown()).toBe('threw SpaceClosedError: not for you')
  log.write({ kind: 'space.put', body: { ...log.space, name: 'Open again' } })
  screen.getByRole('button').click()
  await pass(10)
  await pass(10)
  expect(shown()).toBe('Open again')
  errors.mockRestore()
})

test('C200 the hooks without a suspension show that there is nothing yet', async () => {
  function Other() {
    return <p data-testid="shown">{useIntention('@lobby', 'x') === undefined ? 'none' : 'one'}</p>
  }
  await show(<Other />)
  expect(shown()).toBe('none')
})
