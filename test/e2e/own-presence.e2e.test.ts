/**
 * Oneself among others: in a crowd one sees oneself; of several tabs one in sight is enough to be there; what was typed
 * and erased is not being typed any more; and what somebody says about themselves does not pass for what the page says.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import { PATIENCE_MS, type Person } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

/** More than these are a crowd, of which only some are listed. */
const LIST_LIMIT = 4
/** Longer than a page takes to connect again, which takes itself for asleep when its clock is put forward. */
const GRACE_MS = 6_000
/** The web client calls a person away after so long out of sight. */
const AWAY_AFTER_MS = 30_000
/** How many of a list are shown at first. */
const SHOWN_AT_FIRST = 50

describe.skipIf(chromiumPath === undefined)('oneself, as one sees it and as the others do', () => {
  const stage = useOwnStage({
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
    await expect.poll(() => ada.here(), { timeout: PATIENCE_MS }).toEqual([ada.id])
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
      await cy.fastForward(AWAY_AFTER_MS + 1)
      await settle()
      expect(await ada.calledAway()).toBe(0)
    }

    // The tab in sight is closed: nobody looks from now on, and that is told when it has lasted.
    await second.closeTab()
    await eventually('no page of Cy is in sight', async () => (await locksHeld(cy)) === 0)
    await cy.fastForward(AWAY_AFTER_MS - 10_000)
    await settle()
    expect(await ada.calledAway()).toBe(0)
    await isCalledAway(cy, ada, 10_000)

    // Any page in sight, also one without this space, brings Cy back.
    const home = await cy.openTab('/')
    await ada.seesState('here', cy)
    await home.show(false)
    await isCalledAway(cy, ada, AWAY_AFTER_MS + 1)
    await cy.show(true)
    await ada.seesState('here', cy)
    expect(await ada.vanished()).toBe(0)
  })

  test('whoever erases what they typed, or leaves the space, is not typing any more', async () => {
    const [room, elsewhere] = [await stage().newSpace('The room'), await stage().newSpace('The yard')]
    const ada = await stage().enter(room, 'Ada', { withClock: true })
    const bob = await stage().enter(room, 'Bob')
    await ada.seesState('here', bob)
    const nobodyTypes = async () => (await ada.typingLine()) === ''
    const bobTypes = async () => (await ada.typingLine()) === 'Bob is typing…'

    // What ends on Ada's page, whose clock hardly goes on, did not just run out.
    await ada.stopTheClock()
    await bob.type('Hm')
    await ada.soon('Bob types', bobTypes)
    await bob.erase()
    await ada.soon('Bob stops', nobodyTypes)
    expect(await ada.entry('here', bob).count()).toBe(1)
    await bob.type('Well')
    await ada.soon('Bob types', bobTypes)
    await bob.page.goto(new URL(`/spaces/${elsewhere}`, bob.page.url()).href)
    await ada.soon('Bob stops', nobodyTypes)
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
    const visitor = await RawClient.welcomed(stage().gatewayUrl, token)
    visitor.send({ type: 'subscribe', space })
    return visitor
  }
})

/** For longer than a state takes to be told and shown. */
async function settle(): Promise<void> {
  const untilMs = Date.now() + 1_000
  await eventually('what was said is shown', () => Date.now() > untilMs)
}

/**
 * That nobody looks is told to a page in its own time, which may be after its clock was put forward: until it counts,
 * the clock is put forward again.
 */
function isCalledAway(who: Person, seenBy: Person, everyMs: number): Promise<boolean> {
  return eventually(
    `${who.name} is called away`,
    async () => {
      await who.fastForward(everyMs)
      return seenBy.seesState('away', who, 2_000).then(
        () => true,
        () => false,
      )
    },
    PATIENCE_MS,
  )
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
