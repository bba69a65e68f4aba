/**
 * The page under its content security policy, in a real browser. Every test of this folder fails on a violation
 * (stage.ts listens for them); here the policy itself is looked at, and that a violation would be noticed.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PAGE_HEADERS } from '@rhizom/web/server/page-headers.ts'
import { describe, expect, test } from 'vitest'
import { PATIENCE_MS } from './person.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('the content security policy of the page', () => {
  const stage = useSharedStage()

  test('W24 two people sign in, enter, write, read and reload under it, and nothing is against it', async () => {
    const { headers } = await fetch(stage().webUrl)
    expect(headers.get('content-security-policy')).toBe(PAGE_HEADERS['Content-Security-Policy'])
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const bob = await stage().enter(room, 'Bob')
    await ada.say('Hello from Ada')
    await bob.sees('Hello from Ada')
    await bob.say('Hello from Bob')
    await ada.sees('Hello from Bob')
    await ada.reload()
    await ada.sees('Hello from Bob')
    expect(await stage().clear()).toEqual([])
  })

  test('W24 what is against it does not happen, and is noticed', async () => {
    const room = await stage().newSpace('The room')
    const { page } = await stage().enter(room, 'Ada')
    const outcome = await page.evaluate(async () => {
      const made = document.createElement('script')
      made.textContent = 'document.title = "taken over"'
      document.body.append(made)
      const image = new Image()
      image.src = 'http://127.0.0.1:9/pixel.png'
      const drawn = new Promise((resolve) => image.addEventListener('error', () => resolve('refused')))
      const called = fetch('http://127.0.0.1:9/').then(
        () => 'answered',
        () => 'refused',
      )
      // In a turn of the page's own: what a debugger runs may evaluate.
      const evaluated = new Promise((resolve) =>
        setTimeout(() => {
          const { Function: evaluate } = globalThis
          try {
            evaluate('')
            resolve('ran')
          } catch {
            resolve('refused')
          }
        }),
      )
      return {
        taken: document.title === 'taken over',
        drawn: await drawn,
        called: await called,
        evaluated: await evaluated,
      }
    })
    expect(outcome).toEqual({ taken: false, drawn: 'refused', called: 'refused', evaluated: 'refused' })
    const directives = ['script-src-elem inline', 'script-src eval', 'img-src http', 'connect-src http']
    await stage().complaintsOf(...directives.map((directive) => `against the policy: ${directive}`))
    await stage().clear()
  })

  test('W24 no other page may show it in a frame', async () => {
    const room = await stage().newSpace('The room')
    const { page } = await stage().enter(room, 'Ada')
    const framing = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<iframe src="${stage().webUrl}/"></iframe>`)
    }).listen(0, '127.0.0.1')
    await once(framing, 'listening')
    try {
      const another = await page.context().newPage()
      await another.goto(`http://127.0.0.1:${(framing.address() as AddressInfo).port}/`)
      const framed = (): string | undefined => another.frames()[1]?.url()
      await expect.poll(framed, { timeout: PATIENCE_MS }).toBe('chrome-error://chromewebdata/')
      await stage().complaintsOf(/frame-ancestors|X-Frame-Options/i)
    } finally {
      framing.close()
    }
    await stage().clear()
  })
})
