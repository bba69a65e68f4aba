/**
 * Oneself among others: in a crowd one sees oneself; of several tabs one in sight is enough to be there; what was typed
 * and erased is not being typed any more; and what somebody says about themselves does not pass for what the page says.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import type { Person } from './person.ts'
import { chromiumPath, useStage } from './stage.ts'

/** More than these are a crowd, of which only some are listed. */
const LIST_LIMIT = 4
const GRACE_MS = 1_000
/** The web client calls a person away after so long out of sight. */
const AWAY_AFTER_MS = 30_000
/** How many of a list are shown at first. */
const SHOWN_AT_FIRST = 50

describe.skipIf(chromiumPath === undefined)('oneself, as one sees it and as the others do', () => {
  const stage = useStage({
    env: { gateway: { PRESENCE_LIST_LIMIT: String(LIST_LIMIT), PRESENCE_GRACE_MS: String(GRACE_MS) } },
  })

  test('who comes to a crowd sees themselves in it, once and counted once', async () => {
    const room = await stage().newSpace('The square')
    const crowd = await Promise.all(Array.from({ length: 6 }, (_, index) => visit(room, `Visitor ${index + 1}`)))
    const ada = await stage().enter(room, 'Ada')
    await ada.page.getByTestId('presence-count').getByText('7 here, showing 5', { exact: true }).waitFor()
    await ada.page.getByTestId('presence-more').getByText('and 2 more', { exact: true }).waitFor()
    const first = ada.page.getByTestId('presence-here').first()
    await first.getByText('(you)').waitFor()
    await first.getByText('Ada', { exact: true }).waitFor()

    // When the crowd goes, the server lists her as well.
    for (const visitor of crowd) visitor.close()
    await ada.page.getByTestId('presence-count').getByText('1 here', { exact: true }).waitFor()
    expect(await ada.here()).toEqual([ada.id])
  })

  test('a tab behind another of the same browser calls nobody away, until none of them is in sight', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const cy = await stage().enter(room, 'Cy', { withClock: true })
    const second = await cy.openTab()
    await ada.seesState('here', cy)
    await ada.keepAnEyeOn(cy)

    await cy.show(false)
    for (let round = 0; round < 2; round += 1) {
      await cy.page.clock.fastForward(AWAY_AFTER_MS + 1)
      await settle()
      expect(await ada.calledAway()).toBe(0)
    }

    // The tab in sight is closed: nobody looks from now on, and that is told when it has lasted.
    await second.closeTab()
    await eventually('no page of Cy is in sight', async () => (await locksHeld(cy)) === 0)
    await cy.page.clock.fastForward(AWAY_AFTER_MS - 10_000)
    await settle()
    expect(await ada.calledAway()).toBe(0)
    await cy.page.clock.fastForward(10_000)
    await ada.seesState('away', cy)

    // Any page in sight, also one without this space, brings Cy back.
    const home = await cy.openTab('/')
    await ada.seesState('here', cy)
    await home.show(false)
    await settle()
    await cy.page.clock.fastForward(AWAY_AFTER_MS + 1)
    await ada.seesState('away', cy)
    await cy.show(true)
    await ada.seesState('here', cy)
    expect(await ada.vanished()).toBe(0)
  })

  test('whoever erases what they typed, or leaves the space, is not typing any more', async () => {
    const [room, elsewhere] = [await stage().newSpace('The room'), await stage().newSpace('The yard')]
    const ada = await stage().enter(room, 'Ada')
    const bob = await stage().enter(room, 'Bob')
    await ada.seesState('here', bob)
    const nobodyTypes = async () => (await ada.typingLine()) === ''

    await bob.type('Hm')
    await ada.seesTyping('Bob is typing…')
    await bob.erase()
    await eventually('Bob stops', nobodyTypes, 1_500)
    expect(await ada.entry('here', bob).count()).toBe(1)
    await bob.type('Well')
    await ada.seesTyping('Bob is typing…')
    await bob.page.goto(new URL(`/spaces/${elsewhere}`, bob.page.url()).href)
    await eventually('Bob stops', nobodyTypes, 1_500)
  })

  test('a status is quoted and turns nothing around; a role is said by the page alone', async () => {
    const room = await stage().newSpace('The stage')
    const ada = await stage().enter(room, 'Ada')
    const zoe = await visit(room, 'Zo\u202Ee')
    zoe.send({ type: 'presence', space: room, state: { status: 'owner' } })
    const entry = ada.page.getByTestId('presence-here').filter({ hasNotText: '(you)' })
    await entry.getByText('owner', { exact: true }).waitFor()
    expect(await entry.locator('q').innerText()).toBe('owner')
    expect(await entry.locator('.role').count()).toBe(0)

    // Neither an override nor one that first breaks out of its isolate reaches what stands around it.
    for (const status of ['\u202Ereno', '\u2069\u2069\u202Eat home · here for 9 h']) {
      zoe.send({ type: 'presence', space: room, state: { status } })
      await entry.getByText(status, { exact: true }).waitFor()
      expect(await entry.getByText('visiting').evaluate(readsFromLeftToRight)).toBe(true)
    }
    zoe.close()
  })

  test('of many who are away the first are shown and the others counted; bots are not people who are away', async () => {
    const [room, founder] = [freshId('space'), await signIn(stage().apiUrl, 'Founder')]
    await apply(stage().apiUrl, founder.token, { space: room, name: 'space.create', args: { name: 'The village' } })
    const beings = Array.from({ length: SHOWN_AT_FIRST + 12 }, (_, index) => ({
      space: room,
      name: 'being.create',
      args: { id: freshId('guest'), type: index < 2 ? 'bot' : 'guest', name: `Villager ${index}` },
    }))
    await apply(stage().apiUrl, founder.token, ...beings)
    const ada = await stage().enter(room, 'Ada')
    const away = ada.page.getByRole('list', { name: 'Located here, away' })
    await away
      .getByRole('listitem')
      .nth(SHOWN_AT_FIRST - 1)
      .waitFor()
    expect(await away.getByRole('listitem').count()).toBe(SHOWN_AT_FIRST)
    const bots = ada.page.getByRole('list', { name: 'Bots and documents' })
    expect(await bots.getByText('bot', { exact: true }).count()).toBe(2)

    const more = ada.page.getByTestId('presence-more')
    const people = Number(/\d+/.exec(await ada.page.getByRole('heading', { name: /away/ }).innerText())?.[0])
    expect(people).toBeGreaterThanOrEqual(SHOWN_AT_FIRST + 10)
    await more.getByText(`and ${people - SHOWN_AT_FIRST} more`, { exact: true }).click()
    await away
      .getByRole('listitem')
      .nth(people - 1)
      .waitFor()
    expect(await more.count()).toBe(0)
  })

  /** Somebody who has a space open without a page. */
  async function visit(space: string, name: string): Promise<RawClient> {
    const { token } = await signIn(stage().apiUrl, name)
    const visitor = await RawClient.welcomed(stage().cluster.gateways[0]?.url ?? '', token)
    visitor.send({ type: 'subscribe', space })
    return visitor
  }
})

/** For longer than a state takes to be told and shown. */
async function settle(): Promise<void> {
  const untilMs = Date.now() + 1_000
  await eventually('what was said is shown', () => Date.now() > untilMs)
}

const locksHeld = ({ page }: Person): Promise<number> =>
  page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query()
    return held.filter(({ name }) => name?.startsWith('rhizom sight')).length
  })

/** Whether the letters of an element's text stand in the order in which they are written. */
function readsFromLeftToRight(element: Node): boolean {
  const text = element.firstChild
  if (text === null) return false
  const lefts = Array.from(text.textContent ?? '', (_letter, index) => {
    const range = document.createRange()
    range.setStart(text, index)
    range.setEnd(text, index + 1)
    return range.getBoundingClientRect().left
  })
  return lefts.every((left, index) => index === 0 || left >= (lefts[index - 1] ?? 0))
}
