/** What is unread in spaces that are not open, it comes, stands in the title, and reading clears it. */
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { PATIENCE_MS, type Person } from './person.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

const markOf = ({ page }: Person, space: string) =>
  page.locator(`[data-testid="space-link"][href*="${space.slice(1)}"]`).getByTestId('unread')

/** Asked in one go: between a count and a question the mark may go, and the question would wait for it. */
const unreadIn = (person: Person, space: string): Promise<string> =>
  markOf(person, space).evaluateAll(([mark]) => mark?.getAttribute('aria-label') ?? '')

const waits = (what: string, isSo: () => Promise<boolean>): Promise<boolean> => eventually(what, isSo, PATIENCE_MS)

describe.skipIf(chromiumPath === undefined)('what is unread', () => {
  const stage = useSharedStage()

  test('W120 W121 W149 it comes from a space that is not open, on both tabs, and clears on both when it is read on one', async () => {
    const [room, garden] = [await stage().newSpace('The room'), await stage().newSpace('The garden')]
    const ada = await stage().enter(garden, 'Ada')
    // What is open is read: from now on the garden is one of hers.
    await waits('the garden is read', async () => (await unreadIn(ada, garden)) === '')
    const other = await ada.openTab(`/spaces/${encodeURIComponent(room)}`)
    await ada.page.goto(new URL(`/spaces/${encodeURIComponent(room)}`, ada.page.url()).href)
    await ada.isLive()
    const bob = await stage().enter(garden, 'Bob')
    await bob.say('Is anybody here?')
    await bob.say(`I mean you, ${ada.id}`)
    for (const tab of [ada, other]) {
      await waits('both are told', async () => (await unreadIn(tab, garden)) === '2 unread, 1 of them for you')
      await waits('the title says so', async () => /^\(\d+\) The room · rhizom$/.test(await tab.page.title()))
    }
    // A tab behind another reads nothing.
    await other.show(false)
    await other.page.locator(`[data-testid="space-link"][href*="${garden.slice(1)}"]`).click()
    await other.sees('Is anybody here?')
    expect(await unreadIn(ada, garden)).toBe('2 unread, 1 of them for you')
    await other.show(true)
    for (const tab of [ada, other]) await waits('both are clear', async () => (await unreadIn(tab, garden)) === '')
    await waits('so is the title', async () => (await ada.page.title()) === 'The room · rhizom')
    // She is in one place and writes in both, to and fro.
    await ada.say('In the room')
    await other.say('In the garden')
    await ada.say('In the room again')
    await ada.sees('In the room again')
    await bob.sees('In the garden')
  })
})
