/**
 * Presence in a real browser: three people on two gateways, one of them with two tabs. Coming, typing and being away
 * are seen by the others; a reload never makes anybody blink; the last tab makes its person leave, with the time; a
 * gateway that is killed takes only those with it who do not come back, within its lease.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import type { Being } from '@rhizom/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { provided } from '../cluster/cluster.ts'
import { TcpProxy, targetOf } from '../kit/tcp-proxy.ts'
import { call, signIn } from '../wire/api-caller.ts'
import { type Listed, PATIENCE_MS, type Person } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

const NARROW = { width: 380, height: 720 }
/** More than these are a crowd, of which only some are listed. */
const LIST_LIMIT = 4
/** Longer than a reload takes on a busy machine: who is slower than the grace leaves, and rightly. */
const GRACE_MS = 6_000
/** Longer than a page takes to find another gateway. */
const LEASE_MS = 6_000
/** The web client calls a person away after so long out of sight. */
const AWAY_AFTER_MS = 30_000

describe.skipIf(chromiumPath === undefined)('who is here, on three screens and two gateways', () => {
  let redis: TcpProxy
  const stage = useOwnStage(async () => {
    redis = await TcpProxy.listen('redis', targetOf(provided('TEST_REDIS_URL')))
    return {
      env: {
        gateway: {
          PRESENCE_GRACE_MS: String(GRACE_MS),
          PRESENCE_LEASE_MS: String(LEASE_MS),
          PRESENCE_LIST_LIMIT: String(LIST_LIMIT),
        },
      },
      reroute: { gatewayRedisUrl: (url) => redis.through(url) },
    }
  })
  afterAll(() => redis?.close())

  test('coming, typing, being away, a reload, two tabs and a killed gateway, as the others see them', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const bob = await stage().enter(room, 'Bob')
    await allSee([ada, bob], [ada, bob])
    const cy = await stage().enter(room, 'Cy', { withClock: true })
    await allSee([ada, bob, cy], [ada, bob, cy])
    await ada.page.getByTestId('presence-count').getByText('3 here', { exact: true }).waitFor()

    // Typing is seen while it lasts, and ends with the message.
    await ada.type('Hello')
    await cy.type('Well')
    await eventually('Bob sees both of them type', async () => {
      await Promise.all([ada.typeOn(), cy.typeOn()])
      return /^(Ada and Cy|Cy and Ada) are typing…$/.test(await bob.typingLine())
    })
    await ada.send()
    await bob.sees('Hello')
    await eventually('Ada stops typing', async () => !(await bob.typingLine()).includes('Ada'))
    expect(await ada.typingLine()).not.toContain('Ada')

    // A reload of one, on whichever gateway it lands, moves nothing on the screens of the others.
    await Promise.all([ada.keepAnEyeOn(bob), cy.keepAnEyeOn(bob)])
    for (let round = 0; round < 3; round += 1) {
      await bob.reload()
      await allSee([bob], [ada, bob, cy])
    }
    await stillListed([ada, cy], 'here', bob)
    expect([await ada.vanished(), await cy.vanished()]).toEqual([0, 0])

    // Away is a state of somebody who is here.
    await cy.show(false)
    await cy.fastForward(AWAY_AFTER_MS + 1)
    for (const { page } of [ada, bob]) await page.locator(`[data-being="${cy.id}"][data-state=away]`).waitFor()
    await cy.show(true)
    for (const { page } of [ada, bob]) await page.locator(`[data-being="${cy.id}"][data-state=here]`).waitFor()

    // Two tabs are one person: the first to go changes nothing, the last makes it leave.
    const second = await bob.openTab()
    await allSee([ada, cy, second], [ada, bob, cy])
    await ada.keepAnEyeOn(bob)
    await bob.closeTab()
    await stillListed([ada, cy], 'here', bob)
    expect(await ada.vanished()).toBe(0)
    await second.closeTab()
    await allSee([ada, cy], [ada, cy])
    for (const person of [ada, cy]) await person.entry('away', bob).getByText('last seen just now').waitFor()
    const zoe = await signIn(stage().apiUrl, 'Zoe')
    await eventually('the api knows when Bob was last here', async () => {
      const { token } = zoe
      const { body } = await call<{ beings: Being[] }>(stage().apiUrl, 'GET', `/v1/beings?ids=${bob.id}`, { token })
      return body.beings[0]?.lastSeenAt !== null
    })
    await ada.reload()
    await ada.entry('away', bob).getByText('last seen just now').waitFor()

    // A killed gateway: those who come back elsewhere never blink, the one who cannot is gone after the lease.
    const [first] = stage().cluster.gateways
    const visitor = await RawClient.welcomed(first?.url ?? '', zoe.token)
    visitor.send({ type: 'subscribe', space: room })
    await allSee([ada, cy], [ada, cy, { id: zoe.being.id, name: 'Zoe' }])
    await Promise.all([ada.keepAnEyeOn(cy), cy.keepAnEyeOn(ada)])
    await first?.kill()
    await Promise.all([ada.isLive(), cy.isLive()])
    await allSee([ada, cy], [ada, cy])
    expect([await ada.vanished(), await cy.vanished()]).toEqual([0, 0])
    await first?.start()
  })

  test('a crowd is a count and some of its people; without Redis the list says that it stands still', async () => {
    const room = await stage().newSpace('The square')
    const ada = await stage().enter(room, 'Ada')
    const crowd = await Promise.all(Array.from({ length: 6 }, (_, index) => visit(room, `Visitor ${index + 1}`)))
    await ada.page.getByTestId('presence-count').getByText('7 here, showing 4', { exact: true }).waitFor()
    await ada.page.getByTestId('presence-sample').waitFor()
    expect(await ada.here()).toHaveLength(LIST_LIMIT)

    // Whoever begins to type moves nothing.
    const input = ada.page.getByPlaceholder('Write a message')
    const [before, talk] = await Promise.all([input.boundingBox(), ada.page.locator('.scroller').boundingBox()])
    await eventually('several people are typing', async () => {
      for (const visitor of crowd) visitor.send({ type: 'signal', space: room, name: 'typing', data: {} })
      return (await ada.typingLine()) === 'Several people are typing…'
    })
    expect(await input.boundingBox()).toEqual(before)
    expect(await ada.page.locator('.scroller').boundingBox()).toEqual(talk)

    redis.cut()
    await ada.page.getByTestId('presence-frozen').waitFor()
    expect(await ada.here()).toHaveLength(LIST_LIMIT)
    redis.heal()
    await ada.page.getByTestId('presence-frozen').waitFor({ state: 'detached' })
    for (const visitor of crowd) visitor.close()
    await ada.page.getByTestId('presence-count').getByText('1 here', { exact: true }).waitFor()
  })

  test('on a small screen the people fold into a row that opens, and long names give way', async () => {
    const room = await stage().newSpace('The hallway')
    const ada = await stage().enter(room, 'Ada', { viewport: NARROW })
    const name = 'Maximilian Bartholomew Featherstonehaugh-Cholmondeley the Third'
    const max = await stage().enter(room, name)
    await allSee([ada, max], [ada, max])
    expect(await ada.entry('here', max).isVisible()).toBe(false)
    await ada.page.getByTestId('presence-toggle').press('Enter')
    await ada.entry('here', max).getByText('just came').waitFor()

    // What cuts a name short leaves what is said about it.
    await max.entry('here', max).getByText('(you)').waitFor()
    await max.type('Hello')
    const verb = await eventually('Ada sees him type', async () => {
      await max.typeOn()
      if ((await ada.typingLine()) !== `${name} is typing…`) return undefined
      return ada.page.evaluate(() => document.querySelector('.typing-verb')?.getBoundingClientRect().right)
    })
    expect(verb).toBeLessThan(NARROW.width)
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(NARROW.width)
  })

  test('a page whose session ended while it slept asks to sign in, and keeps what was being written', async () => {
    const room = await stage().newSpace('The room')
    const eve = await stage().enter(room, 'Eve', { withClock: true })
    await eve.page.getByTestId('message-input').fill('Half a thought')
    // The device sleeps for a month: the clock goes on, the timers stand still, and then the page is shown. Meanwhile
    // the session was ended from elsewhere, so that nothing renews it.
    const refusals = { '**/v1/sessions/current/refresh': 'token-expired', '**/v1/sessions/renew': 'not-authenticated' }
    for (const [path, code] of Object.entries(refusals))
      await eve.page.route(path, (route) =>
        route.fulfill({
          status: 401,
          contentType: 'application/problem+json',
          json: { title: 'Over', status: 401, code, detail: 'The session is over.' },
        }),
      )
    await eve.fastForward(30 * 24 * 3_600_000)
    await eve.show(true)
    await eve.page.getByTestId('session-ended').getByText('What you were writing is kept.').waitFor()
    expect(await eve.page.getByTestId('name-input').inputValue()).toBe('Eve')
    for (const path of Object.keys(refusals)) await eve.page.unroute(path)
    await eve.page.getByTestId('sign-in').click()
    await eve.isLive()
    await eve.isWriting('Half a thought')
  })

  /** Somebody who has a space open without a page. */
  async function visit(space: string, name: string): Promise<RawClient> {
    const { token } = await signIn(stage().apiUrl, name)
    const visitor = await RawClient.welcomed(stage().cluster.gateways[0]?.url ?? '', token)
    visitor.send({ type: 'subscribe', space })
    return visitor
  }
})

async function allSee(people: readonly Person[], expected: readonly { id: string; name: string }[]): Promise<void> {
  const ids = expected.map(({ id }) => id).toSorted()
  let lists: string[][] = []
  const isSo = async () => {
    lists = await Promise.all(people.map((person) => person.here()))
    return lists.every((list) => JSON.stringify(list) === JSON.stringify(ids))
  }
  const names = expected.map(({ name }) => name).join(', ')
  try {
    await eventually(`everybody sees ${names}`, isSo, PATIENCE_MS)
  } catch (cause) {
    const seen = people.map(({ name }, index) => `${name} sees ${lists[index]?.join(' ')}`)
    throw new Error(`not all see ${ids.join(' ')}: ${seen.join('; ')}`, { cause })
  }
}

/** For longer than a leave would take to be told. */
async function stillListed(people: readonly Person[], where: Listed, who: Person): Promise<void> {
  const untilMs = Date.now() + GRACE_MS + 1_500
  await eventually('the grace period is over', () => Date.now() > untilMs)
  for (const person of people) expect(await person.entry(where, who).count()).toBe(1)
}
