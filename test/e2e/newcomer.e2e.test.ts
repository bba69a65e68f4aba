/**
 * The newcomer's minute, as they have it: `npm start`, the lobby in a browser, a question to the guide. With
 * GUIDE_PICTURE the page is painted into that file while the second attempt answers, for the README.
 */
import { readRunFile } from '@rhizom/infra/local/run-file.ts'
import { localStart } from '@rhizom/infra/local/testing/local-start.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Browser } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { PATIENCE_MS, Person } from './person.ts'
import { chromiumPath, startBrowser } from './stage.ts'

/** Between two words of the guide: slow enough for whatever comes between them on a busy machine. */
const PACE_MS = '500'
const QUESTION = '@guide what happens when a gateway dies?'

describe.skipIf(chromiumPath === undefined)('the first minute', () => {
  const system = localStart({ PACE_MS })
  let browser: Browser | undefined
  afterAll(async () => {
    await browser?.close()
    await system.clear()
  })

  test('W112 the guide is asked, killed in mid-sentence, begins anew, and is stopped and retried', async () => {
    const run = await system.up(system.start())
    browser = await startBrowser()
    const context = await browser.newContext({ viewport: { width: 1200, height: 760 } })
    context.setDefaultTimeout(PATIENCE_MS)
    const complaints: string[] = []
    context.on('weberror', (error) => complaints.push(String(error.error())))
    const ada = await Person.signIn(context, `${run.web}/spaces/@lobby`, 'Ada')
    await ada.say(QUESTION)

    const { page } = ada
    const reply = page.locator('[data-testid=message][data-author="@guide"]').last()
    const text = reply.getByTestId('message-text')
    const is = (status: string) => reply.locator(`[data-testid=reply-note][data-status=${status}]`)
    const says = (what: string, condition: (said: string) => boolean) =>
      eventually(what, async () => condition((await text.textContent()) ?? ''), PATIENCE_MS)

    await is('answering').waitFor()
    await says('it streams', (said) => said.length > 40)
    const begun = (await text.textContent()) ?? ''
    const victim = readRunFile(system.runFile)?.processes['guide'] ?? 0
    expect(victim).toBeGreaterThan(1)
    process.kill(victim, 'SIGKILL')
    // What was written stays to be read while it waits for the next one.
    await is('answering').getByText('answering, attempt 2', { exact: true }).waitFor()
    await says('the next one goes on', (said) => /^\(Attempt 2[^)]*\) From \S+\.md, “[^]{60}/.test(said))
    expect(begun).not.toContain('Attempt 2')
    const picture = process.env['GUIDE_PICTURE']
    if (picture !== undefined) await page.screenshot({ path: picture })

    // A reload has the words so far, and then more of them.
    const soFar = (await text.textContent()) ?? ''
    await ada.reload()
    await says('it goes on after a reload', (said) => said.length > soFar.length && said.startsWith(soFar))
    await reply.getByTestId('stop-reply').click()
    await is('stopped').waitFor()
    await reply.getByTestId('retry-reply').click()
    await is('answering').waitFor()
    await says('it begins anew', (said) => /^From \S+\.md/.test(said))
    await reply.getByTestId('stop-reply').click()
    await is('stopped').waitFor()
    expect(complaints).toEqual([])
  })
})
