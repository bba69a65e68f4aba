/**
 * Somebody is removed while their page is open: what they see, what becomes of what they wrote, and the way back in.
 */
import { describe, expect, test } from 'vitest'
import { loadSession } from '@rhizom/client'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply } from '../wire/api-caller.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('a person who is removed', () => {
  const stage = useSharedStage()

  test('is told and can go on as a new guest, with what was not sent; others see them leave', async () => {
    const room = await stage().newSpace('The room')
    const [ada, eve] = [await stage().enter(room, 'Ada'), await stage().enter(room, 'Eve')]
    await ada.entry('here', eve).waitFor()
    const second = await eve.openTab()

    // What she says does not get through; what she writes next is not said yet.
    await eve.page.route('**/v1/mutations', (route) => route.abort())
    await eve.say('Said in vain')
    await eve.page.getByTestId('sending').getByText('Said in vain').waitFor()
    await eve.page.getByTestId('message-input').fill('Half a thought')

    const kept = new Map<string, string>(await eve.page.evaluate(() => Object.entries<string>(window.localStorage)))
    const get = (key: string): string | undefined => kept.get(key)
    const session = loadSession({ get, set: () => undefined, remove: () => undefined })
    if (session === undefined) throw new Error('no session is kept')
    await apply(stage().apiUrl, session.token, { space: room, name: 'being.remove', args: { id: eve.id } })

    for (const tab of [eve, second])
      await tab.page.getByTestId('session-ended').getByText('does not accept this session any more').waitFor()
    await eve.page.getByTestId('session-ended').getByText('What you were writing is kept.').waitFor()
    await eventually('Ada sees her leave', async () => (await ada.here()).join() === ada.id)

    await eve.page.unroute('**/v1/mutations')
    expect(await eve.page.getByTestId('name-input').inputValue()).toBe('Eve')
    await eve.page.getByTestId('sign-in').click()
    await eve.isLive()
    await eve.isWriting('Said in vain\nHalf a thought')
    // She writes once she is in.
    await eve.page.getByPlaceholder('Write a message').waitFor()
    await eve.send()
    await eventually('Ada reads it', async () => (await ada.messages()).join().includes('Said in vain'))
    await eventually('who was removed is not here again', async () => !(await ada.here()).includes(eve.id))
  })
})
