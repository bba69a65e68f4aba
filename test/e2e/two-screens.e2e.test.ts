/**
 * Two people in a real browser, each connected to another gateway: what one writes or renames, the other sees; a
 * reload keeps everything; a gateway that is killed under a page costs it nothing.
 */
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { PATIENCE_MS } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('two screens on two gateways', () => {
  const stage = useOwnStage()

  const connections = async (): Promise<number[]> =>
    Promise.all(
      stage().cluster.gateways.map(async ({ internalUrl }) => {
        const metrics = await (await fetch(`${internalUrl}/metrics`)).text()
        return Number(/^rhizom_gateway_connections (\d+)/m.exec(metrics)?.[1])
      }),
    )

  test('a message each way, renames seen by both, a reload keeps everything, a killed gateway costs nothing', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const bob = await stage().enter(room, 'Bob')
    await eventually('each is at another gateway', async () => (await connections()).join() === '1,1')

    await ada.say('Hello from Ada')
    await Promise.all([ada.sees('Hello from Ada'), bob.sees('Hello from Ada')])
    await bob.say('Hello from Bob')
    await Promise.all([ada, bob].map((person) => person.seesOnly('Hello from Ada', 'Hello from Bob')))

    await ada.rename('own-name', 'Ada Lovelace')
    await bob.seesAuthor('Ada Lovelace')
    await bob.page.getByTestId('member').getByText('Ada Lovelace').waitFor()

    await bob.reload()
    await Promise.all([bob.sees('Hello from Ada'), bob.sees('Hello from Bob'), bob.seesAuthor('Ada Lovelace')])

    const [first] = stage().cluster.gateways
    await first?.kill()
    await ada.say('Still here')
    await bob.say('Me too')
    for (const text of ['Still here', 'Me too']) await Promise.all([ada.sees(text), bob.sees(text)])
    for (const person of [ada, bob])
      expect((await person.messages()).toSorted()).toEqual(['Hello from Ada', 'Hello from Bob', 'Me too', 'Still here'])
    await first?.start()
  })

  test('the newest message stays in view when the window is made smaller', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    for (let index = 1; index <= 12; index++) await ada.say(`Line ${index}`)
    const last = ada.page.getByTestId('message-text').getByText('Line 12', { exact: true })
    await last.waitFor()
    const size = ada.page.viewportSize()
    if (size === null) throw new Error('no viewport')
    await ada.page.setViewportSize({ width: size.width, height: size.height - 200 })
    const edge = async (): Promise<number> => {
      const [text, box] = await Promise.all([last.boundingBox(), ada.page.locator('.scroller').boundingBox()])
      return (text?.y ?? Infinity) + (text?.height ?? 0) - (box?.y ?? 0) - (box?.height ?? 0)
    }
    await expect.poll(edge, { timeout: PATIENCE_MS }).toBeLessThanOrEqual(0)
    // A scroll of before may be told when the box is smaller already, and the page does not know that yet.
    await ada.page.locator('.scroller').evaluate((box: HTMLElement) => {
      box.style.maxHeight = `${box.clientHeight - 150}px`
      box.dispatchEvent(new Event('scroll'))
    })
    await expect.poll(edge, { timeout: PATIENCE_MS }).toBeLessThanOrEqual(0)
  })

  test('W155 an owner makes a link to a private space, one person comes in by it, and nobody else', async () => {
    const room = await stage().newSpace('The room')
    const olga = await stage().enter(room, 'Olga')
    await olga.page.getByRole('link', { name: 'New space' }).click()
    await olga.page.getByTestId('space-name-input').fill('Cellar')
    await olga.page.getByRole('combobox').selectOption('private')
    await olga.page.getByTestId('create-space').click()
    await olga.page.getByTestId('invite').click()
    await olga.page.getByTestId('make-invite').click()
    const link = await olga.page.getByTestId('invite-link').inputValue()
    expect(link).toMatch(/\/invite#[0-9a-f-]{36}\.[\w-]{43}$/)

    const pam = await stage().enter(room, 'Pam')
    await pam.page.goto(link)
    await pam.page.getByTestId('accept-invite').click()
    await pam.page.getByTestId('space-name').getByText('Cellar').waitFor()
    expect(pam.page.url()).not.toContain('invite')
    await pam.say('Thank you')
    await olga.sees('Thank you')

    const quin = await stage().enter(room, 'Quin')
    await quin.page.goto(link)
    await quin.page.getByTestId('accept-invite').click()
    await quin.page.getByTestId('invite-problem').waitFor()
    for (const person of [olga, pam, quin]) await person.page.close()
  })

  test('whoever makes a space owns it and renames it, and everybody sees it; a closed page leaves the rest alone', async () => {
    const room = await stage().newSpace('The room')
    const olga = await stage().enter(room, 'Olga')
    await olga.page.getByRole('link', { name: 'New space' }).click()
    await olga.page.getByTestId('space-name-input').fill('Garden')
    await olga.page.getByTestId('create-space').click()
    await olga.page.getByTestId('space-name').getByText('Garden').waitFor()

    const pam = await stage().enter(room, 'Pam')
    await pam.page.goto(olga.page.url())
    await pam.page.getByTestId('space-name').getByText('Garden').waitFor()
    expect(await pam.page.getByTestId('space-name-edit').count()).toBe(0)
    await olga.rename('space-name', 'Winter garden')
    await pam.page.getByTestId('space-name').getByText('Winter garden').waitFor()

    await olga.closeTab()
    await pam.say('Alone now')
    await pam.sees('Alone now')
  })
})
