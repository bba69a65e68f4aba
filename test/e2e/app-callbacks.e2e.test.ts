/**
 * An app of somebody else in a real browser: what it gives the client to call throws, rejects and hangs, and servers
 * come and go. The client goes on, and each mutation settles in the end.
 */
import type * as client from '@rhizom/client'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { askForSession } from '../../client/src/session/ask-for-session.ts'
import { freshId } from '../wire/api-caller.ts'
import { bundlePage } from './bundled-page.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

declare global {
  interface Window {
    rhizom: typeof client & { askForSession: typeof askForSession }
    settled: string[]
    app: { say(text: string): void; close(): void }
  }
}

describe.skipIf(chromiumPath === undefined)('an app of somebody else', () => {
  const stage = useOwnStage(async () => ({ pageDirectory: await bundlePage() }))

  /** A page with a client whose every callback fails, that has made a space of its own. */
  async function opened(space: string): Promise<Page> {
    const page = await stage().open('App')
    await page.waitForFunction(() => window.rhizom !== undefined)
    await page.evaluate(async (id) => {
      const { askForSession: ask, browserEnvironment, createClient, createSession } = window.rhizom
      const environment = { ...browserEnvironment(), report: () => undefined }
      // No session until the fourth time it is asked for: before that the app throws, rejects, and rejects late.
      let times = 0
      const give = async () => {
        times += 1
        if (times === 2) throw new Error('rejected')
        if (times === 3) await new Promise((_resolve, reject) => void setTimeout(() => reject(new Error('late')), 500))
        const answer = await createSession({ environment, apiUrl: window.location.origin }, { name: 'Ada' })
        if (!answer.ok) throw new Error(answer.problem.message)
        return answer.value
      }
      const throwing = (): never => {
        throw new Error('a fault of the app')
      }
      const session = await new Promise<Parameters<typeof createClient>[0]['session']>((resolve) => {
        ask(environment, () => (times === 0 ? ((times += 1), throwing()) : give()), resolve)
      })
      const made = createClient({ session, environment, onSessionRenewed: throwing })
      made.onSyncStatus(throwing)
      made.onPendingMutations(throwing)
      made.onMutationApplied(throwing)
      made.onKeeping(throwing)
      made.onLeftOut(throwing)
      made.watchSpace(id)
      made.onSignal(id, 'typing', throwing)
      made.connect()
      window.settled = []
      const note = (outcome: client.MutationOutcome) =>
        window.settled.push(outcome.status === 'applied' ? 'applied' : outcome.code)
      window.app = {
        say: (text) => {
          const args = { id: window.rhizom.newId(), type: 'utterance', content: [text] } as const
          void made.mutate('intention.create', id, { ...args, content: [text] }).then(note)
        },
        close: () => made.close(),
      }
      note(await made.mutate('space.create', id, { name: 'Of the app' }))
      made.retrySpace(id)
    }, space)
    return page
  }

  const say = (page: Page, text: string): Promise<void> => page.evaluate((given) => window.app.say(given), text)

  /** What became of the first so many mutations. */
  const settled = async (page: Page, count: number): Promise<string[]> => {
    await page.waitForFunction((least) => window.settled.length >= least, count, { timeout: 60_000 })
    return page.evaluate(() => window.settled)
  }

  test('C135 C181 callbacks that throw, reject and come late cost nothing but themselves', async () => {
    const page = await opened(freshId('app'))
    expect(await settled(page, 1)).toEqual(['applied'])
    await say(page, 'goes on')
    expect(await settled(page, 2)).toEqual(['applied', 'applied'])
  })

  test('C236 each mutation settles in the end: with servers back it is carried out, with the client closed handed back', async () => {
    const page = await opened(freshId('app'))
    expect(await settled(page, 1)).toEqual(['applied'])
    const { apis, gateways } = stage().cluster
    await Promise.all([...apis, ...gateways].map((node) => node.kill()))
    await say(page, 'to nobody')
    await Promise.all([...apis, ...gateways].map((node) => node.start()))
    expect(await settled(page, 2)).toEqual(['applied', 'applied'])
    await Promise.all(apis.map((node) => node.kill()))
    await say(page, 'never')
    await page.evaluate(() => window.app.close())
    expect(await settled(page, 3)).toEqual(['applied', 'applied', 'closed'])
    await Promise.all(apis.map((node) => node.start()))
  })
})
