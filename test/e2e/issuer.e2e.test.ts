/** Somebody signs in at an OpenID provider, the real thing: to it with a proof, back with a code. */
import { startTestIssuer, CLIENT_ID, type TestIssuer } from '@rhizom/kit/test-issuer.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('a person with an account elsewhere', () => {
  let issuer: TestIssuer | undefined
  const stage = useOwnStage(async () => {
    // Of an application on one's own machine any port may be told.
    issuer = await startTestIssuer('http://127.0.0.1/sign-in')
    const known = [{ issuer: issuer.url, audience: CLIENT_ID, label: 'Example' }]
    return { env: { api: { ISSUERS: JSON.stringify(known) } } }
  })
  afterAll(() => issuer?.stop())

  test('W130 W147 goes to the issuer and comes back where they were, as who they are there, each time, and signs out unasked', async () => {
    const room = await stage().newSpace('The room')
    const ids: (string | null)[] = []
    for (const visit of ['first', 'second']) {
      const page = await stage().open(`Ada, ${visit}`)
      await page.goto(`${stage().webUrl}/spaces/${room}`)
      await page.getByTestId('sign-in-elsewhere').click()
      await page.waitForURL(`${issuer?.url}/**`)
      await page.locator('input[name=login]').fill('Ada Lovelace')
      await page.locator('input[name=password]').fill('any')
      await page.locator('button[type=submit]').click()
      await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' })
      await page.locator('button[type=submit]').click()
      const own = page.getByTestId('presence-here').filter({ hasText: 'Ada Lovelace' })
      await own.waitFor()
      expect(page.url()).toBe(`${stage().webUrl}/spaces/${room}`)
      ids.push(await own.getAttribute('data-being'))
      // Having entered, nothing of them waits.
      await page.getByTestId('own-location').getByRole('link').waitFor()
      await page.getByTestId('sign-out').click()
      await page.getByTestId('sign-in-elsewhere').waitFor()
    }
    expect(ids[0]).toMatch(/^@ada-lovelace-/)
    expect(ids[1]).toBe(ids[0])
  })

  test('W131 an answer that this page did not ask for, and one that says no, sign nobody in', async () => {
    const page = await stage().open('Eve')
    await page.goto(`${stage().webUrl}/sign-in?code=stolen&state=made-up`)
    await page.getByRole('alert').getByText('no answer to a question of this page').waitFor()
    expect(page.url()).toBe(`${stage().webUrl}/`)
    await page.getByTestId('sign-in-elsewhere').click()
    await page.waitForURL(`${issuer?.url}/**`)
    await page.getByText('Cancel').click()
    await page.getByRole('alert').getByText('was not completed').waitFor()
    await eventually('a name is enough still', () => page.getByTestId('name-input').isVisible())
  })
})
