/** The page with hands on its network: what they do to it, and that it ends with everything, once. */
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('the devtools', () => {
  const stage = useSharedStage()

  test('W93 they show what passes and break it, and nothing is lost or twice; unasked for, they are not loaded', async () => {
    const room = await stage().newSpace('The room')
    const [bob, plain] = [await stage().enter(room, 'Bob'), await stage().enter(room, 'Ada')]
    const scripts = () =>
      plain.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname))
    expect((await scripts()).filter((path) => path.includes('devtools'))).toEqual([])
    expect(await plain.page.getByTestId('devtools').count()).toBe(0)

    const ada = await plain.openTab(`/spaces/${encodeURIComponent(room)}?devtools`)
    await plain.closeTab()
    const panel = ada.page.getByTestId('devtools')
    await panel.getByTestId('devtools-status').getByText('live').waitFor()
    await panel.getByTestId('devtools-transport').getByText('websocket').waitFor()
    const position = panel.getByTestId('devtools-positions').getByRole('row').filter({ hasText: room })
    await position.getByText('current').waitFor()
    const timeline = panel.getByTestId('devtools-timeline')
    await timeline.getByText('"type":"welcome"').first().waitFor()

    const set = (name: string, value: string) => panel.getByTestId(`devtools-${name}`).fill(value)
    await set('drop', '0.4')
    await set('double', '0.4')
    await set('delay', '300')
    const words = Array.from({ length: 12 }, (_, index) => `word ${index}`)
    for (const word of words) await bob.say(word)
    await ada.say('mine')
    await timeline
      .getByText(/^(dropped|doubled)/)
      .first()
      .waitFor()
    await panel.getByTestId('devtools-none').click()
    const all = async () => (await ada.messages()).toSorted()
    const expected = [...words, 'mine'].toSorted()
    await eventually('she has all of it once', async () => (await all()).join() === expected.join(), 60_000)

    // What arrived in the stream still waits for the answer that was dropped, and is asked about once more.
    const nothingWaits = async () => (await panel.getByText('Pending 0, refused 0').count()) === 1
    await eventually('no answer is outstanding', nothingWaits, 60_000)

    await panel.getByTestId('devtools-offline').click()
    await ada.say('while cut')
    await panel.getByTestId('devtools-pending').getByText('intention.create').waitFor()
    await eventually('it is not live', async () => (await panel.getAttribute('data-status')) !== 'live')
    const [picture] = await stage().picture('devtools')
    process.stderr.write(`a picture of the devtools: ${picture}\n`)
    await panel.getByTestId('devtools-offline').click()
    await bob.sees('while cut')
    await eventually('nothing waits', nothingWaits, 60_000)
    const whole = [...expected, 'while cut'].toSorted().join()
    await eventually('she has that as well, once', async () => (await all()).join() === whole, 60_000)
    const version = ada.page.getByTestId('version')
    await eventually('both tell the same version', async () => {
      const held = (await version.innerText()).replace('version ', '')
      return (await position.getByText(`version ${held}`, { exact: true }).count()) === 1
    })
  })
})
