/** A bot's reply as people see it, whoever carries it out: here the bot's owner does, step by step over the api. */
import { type Intention, snapshotSchema } from '@rhizom/protocol'
import { eventually } from '@rhizom/kit/eventually.ts'
import { describe, expect, test } from 'vitest'
import { apply, call, freshId, type Session, signIn } from '../wire/api-caller.ts'
import type { Person } from './person.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

const LEASE_MS = 120_000

describe.skipIf(chromiumPath === undefined)('replies', () => {
  const stage = useSharedStage()

  const is = ({ page }: Person, status: string) => page.locator(`[data-testid=reply-note][data-status=${status}]`)
  const said = ({ page }: Person, text: string) => page.getByTestId('message-text').getByText(text, { exact: true })
  const stopOf = ({ page }: Person) => page.getByTestId('stop-reply')
  const retryOf = ({ page }: Person) => page.getByTestId('retry-reply')

  const change = (owner: Session, space: string, name: string, args: Record<string, unknown>) =>
    apply(stage().apiUrl, owner.token, { space, name, args })

  async function replyIn(space: string, { token }: Session): Promise<Intention> {
    return eventually('the bot is asked', async () => {
      const { body } = await call(stage().apiUrl, 'GET', `/v1/spaces/${space}`, { token })
      return snapshotSchema.parse(body).intentions.find(({ replyTo }) => typeof replyTo === 'string')
    })
  }

  test('W110 W111 a reply says whom it waits for, that it is answered, why it failed; who asked stops and retries it', async () => {
    const room = await stage().newSpace('The room')
    const [bob, bot] = [await signIn(stage().apiUrl, 'Bob'), freshId('bot')]
    await change(bob, room, 'being.move', { id: bob.being.id })
    await change(bob, room, 'being.create', { id: bot, type: 'bot', name: 'Oracle' })
    const [ada, cy] = [await stage().enter(room, 'Ada'), await stage().enter(room, 'Cy')]
    await ada.say(`${bot} why?`)
    await is(ada, 'asked').getByText('asked, waiting for Oracle').waitFor()
    await stopOf(ada).waitFor()

    const { id } = await replyIn(room, bob)
    async function claim(): Promise<number> {
      const [result] = await change(bob, room, 'intention.claim', { id, leaseMs: LEASE_MS })
      return result?.version ?? 0
    }
    let fence = await claim()
    await change(bob, room, 'intention.append', { id, fence, at: 0, text: 'Because' })
    for (const person of [ada, cy]) {
      await is(person, 'answering').waitFor()
      await said(person, 'Because').waitFor()
    }
    // Whoever comes late, or again, has what was said so far, and then what follows.
    const dan = await stage().enter(room, 'Dan')
    await ada.reload()
    for (const person of [ada, dan]) await said(person, 'Because').waitFor()
    await change(bob, room, 'intention.append', { id, fence, at: 'Because'.length, text: ' of this' })
    for (const person of [ada, cy, dan]) await said(person, 'Because of this').waitFor()
    expect(await stopOf(cy).count()).toBe(0)

    await change(bob, room, 'intention.update', { id, fence, state: 'failed', reason: 'The oracle is asleep' })
    for (const person of [ada, cy]) await is(person, 'failed').getByText('failed: The oracle is asleep').waitFor()
    expect([await stopOf(ada).count(), await retryOf(cy).count()]).toEqual([0, 0])

    await retryOf(ada).click()
    for (const person of [ada, cy]) {
      await is(person, 'waiting').getByText('interrupted, waiting for Oracle to begin anew').waitFor()
      await person.page.getByTestId('reply-former').getByText('Because of this', { exact: true }).waitFor()
    }
    fence = await claim()
    await change(bob, room, 'intention.append', { id, fence, at: 0, text: 'Well' })
    await said(cy, 'Well').waitFor()
    await stopOf(ada).click()
    for (const person of [ada, cy, dan]) await is(person, 'stopped').waitFor()
    await retryOf(ada).waitFor()

    await retryOf(ada).click()
    await is(cy, 'waiting').waitFor()
    fence = await claim()
    await change(bob, room, 'intention.append', { id, fence, at: 0, text: 'So it is' })
    await change(bob, room, 'intention.update', { id, fence, state: 'complete' })
    for (const person of [ada, cy, dan]) {
      await said(person, 'So it is').waitFor()
      await eventually(
        'nothing more is said of it',
        async () => (await person.page.getByTestId('reply-note').count()) === 0,
      )
    }
  })
})
