/**
 * What people write stands on the page as theirs: it paints over nobody's words, can be told from what the page says
 * itself, and from the words of others of the same name.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { describe, expect, test } from 'vitest'
import type { Locator } from 'playwright-core'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, freshId, type MutationInput, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { alterAnswers } from './altered-answers.ts'
import { PATIENCE_MS } from './person.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

const MARKS = '\u0301\u0302\u0303\u0327'.repeat(75)
const STACK = `Z${MARKS}`
/** As long as a name may be. */
const STACKED_NAME = STACK.slice(0, 190)
/** Stands for one that cannot be seen, in case the server does not let one have such a name. */
const NOBODY = 'Nobody at all'
const UNSEEN = '\u200B\u3164\u2800\u00AD\uFE0F\u202E'

describe.skipIf(chromiumPath === undefined)('the words of others', () => {
  const stage = useSharedStage()

  const write = (who: Session, ...mutations: MutationInput[]) => apply(stage().apiUrl, who.token, ...mutations)

  async function guestIn(space: string, name: string): Promise<Session> {
    const guest = await signIn(stage().apiUrl, name)
    await write(guest, { space, name: 'being.move', args: { id: guest.being.id } })
    return guest
  }

  const errorOf = (space: string, text: string): MutationInput => {
    const said = utterance(space, text)
    return { ...said, args: { ...said.args, type: 'error', state: 'failed' } }
  }

  test('W70 W71 wherever on the page it stands, no text stacks more than four marks, and no name is empty', async () => {
    const room = freshId('space')
    const node = utterance(room, '')
    const founder = await signIn(stage().apiUrl, STACKED_NAME)
    await write(founder, { space: room, name: 'space.create', args: { name: STACKED_NAME } })
    await write(
      founder,
      { space: freshId('space'), name: 'space.create', args: { name: NOBODY } },
      { space: room, name: 'being.move', args: { id: founder.being.id } },
      { space: room, name: 'being.create', args: { id: freshId('bot'), type: 'bot', name: NOBODY } },
      utterance(room, `${STACK}algo ${STACK}`),
      { ...node, args: { ...node.args, content: [STACK, { type: STACK }] } },
      errorOf(room, STACK),
    )
    const nobody = await guestIn(room, NOBODY)
    await write(nobody, utterance(room, 'Who am I?'))
    const ada = await stage().enter(room, STACKED_NAME)
    await alterAnswers(ada.page, (text) => text.replaceAll(NOBODY, UNSEEN))
    await ada.reload()
    await ada.sees('Who am I?')
    await ada.page.getByPlaceholder('Write a message').waitFor()

    const others = await Promise.all(
      [founder, nobody].map(({ token }) => RawClient.welcomed(stage().gatewayUrl, token)),
    )
    for (const [index, other] of others.entries()) {
      other.send({ type: 'subscribe', space: room })
      other.send({ type: 'presence', space: room, state: { status: `At ${STACK}` } })
      await ada.page.getByTestId('presence-status').nth(index).waitFor()
    }
    await ada.page.route('**/v1/mutations', (route) => route.fulfill({ status: 503 }))
    await ada.say(STACK)
    await ada.page.getByTestId('sending').waitFor()
    await eventually('both are typing', async () => {
      for (const other of others) other.send({ type: 'signal', space: room, name: 'typing', data: {} })
      return (await ada.typingLine()).includes('are typing…')
    })

    const expectReadable = async (): Promise<void> => {
      for (const text of await ada.page.evaluate(textsOfThePage)) expect(text).not.toMatch(/[\p{Mn}\p{Me}]{5}/u)
      const names = await ada.page.locator('bdi').allInnerTexts()
      expect(names.filter((name) => name.split('').every((char) => UNSEEN.includes(char)))).toEqual([])
    }
    await expectReadable()
    await ada.page.getByTestId('message-author').getByText(nobody.being.id, { exact: true }).waitFor()
    await ada.page.goto(new URL('/', ada.page.url()).href)
    await ada.page.locator('.space-card').first().waitFor()
    await expectReadable()
    for (const other of others) other.close()
  })

  test('W72 a message of three hundred marks leaves not one pixel on its neighbours', async () => {
    const room = await stage().newSpace('The room')
    const [bob, zoe, cy] = [await guestIn(room, 'Bob'), await guestIn(room, STACKED_NAME), await guestIn(room, 'Cy')]
    await write(bob, utterance(room, 'Above'))
    await write(zoe, utterance(room, `${STACK}algo`))
    await write(cy, utterance(room, 'Below'))
    const ada = await stage().enter(room, 'Ada')
    await ada.sees('Below')
    await ada.page.getByPlaceholder('Write a message').waitFor()
    const stacked = ada.page.locator(`[data-author="${zoe.being.id}"]`)
    const neighbours = [
      ada.page.locator(`[data-author="${bob.being.id}"]`),
      ada.page.locator(`[data-author="${cy.being.id}"]`),
      ada.page.locator('.space-header'),
      ada.page.locator('.composer-area'),
    ]
    const show = (visibility: string) => stacked.evaluate((item, value) => (item.style.visibility = value), visibility)
    const traces = async (): Promise<number[]> => {
      await show('')
      const beside = await picturesOf(neighbours)
      await show('hidden')
      const alone = await picturesOf(neighbours)
      return Promise.all(
        beside.map((picture, index) => ada.page.evaluate(pixelsApart, [picture, alone[index] ?? ''] as const)),
      )
    }
    // What changes by itself meanwhile, as a time does, is not there when it is looked at again.
    const expectNoTrace = (): Promise<void> => expect.poll(traces, { timeout: PATIENCE_MS }).toEqual([0, 0, 0, 0])
    await expectNoTrace()
    // Also where more of them came through than do: what a letter paints ends with what holds it.
    await stacked.evaluate((item, text) => {
      for (const element of item.querySelectorAll('bdi, .avatar, [data-testid=message-text]'))
        element.textContent = text
    }, STACK)
    await expectNoTrace()
  })

  test('W73 W74 an error told by a guest is that guest’s, looks like no alert, and an owner has a badge', async () => {
    const room = freshId('space')
    const olga = await signIn(stage().apiUrl, 'Olga')
    await write(olga, { space: room, name: 'space.create', args: { name: 'The room' } })
    await write(olga, { space: room, name: 'being.move', args: { id: olga.being.id } })
    const admin = await guestIn(room, 'rhizom admin')
    await write(admin, utterance(room, 'Hello'))
    await write(admin, errorOf(room, 'Your session has ended. Enter your password at http://rhizom.test'))
    await write(admin, errorOf(room, 'I said: enter it'))
    await write(olga, utterance(room, 'Nobody here asks for that.'))
    const ada = await stage().enter(room, 'Ada')
    await ada.sees('Nobody here asks for that.')

    const errors = ada.page.locator('[data-testid=message][data-type=error]')
    await eventually('both errors are there', async () => (await errors.count()) === 2)
    for (const error of await errors.all()) {
      expect(await error.getByTestId('message-author').innerText()).toBe('rhizom admin')
      expect(await error.getByTestId('being-id').innerText()).toBe(admin.being.id)
      expect(await error.locator('bdi').first().getAttribute('title')).toBe(`rhizom admin · ${admin.being.id}`)
      expect(await error.getByTestId('error-mark').innerText()).toBe('error')
      expect(await error.locator('[role=alert], .problem').count()).toBe(0)
    }
    // Its colours are those of any message, and not those of the page's own alerts.
    const coloursOf = (message: Locator) =>
      message.locator('.bubble').evaluate((bubble) => {
        const { color, backgroundColor } = getComputedStyle(bubble)
        return { color, backgroundColor }
      })
    const utteranceOf = (being: string) => ada.page.locator(`[data-author="${being}"][data-type=utterance]`)
    expect(await coloursOf(errors.first())).toEqual(await coloursOf(utteranceOf(admin.being.id)))

    expect(await utteranceOf(olga.being.id).locator('.role').allInnerTexts()).toEqual(['owner'])
    expect(await utteranceOf(admin.being.id).locator('.role').count()).toBe(0)

    // The badge goes with the role, at once.
    await write(olga, { space: room, name: 'member.put', args: { being: admin.being.id, role: 'owner' } })
    await eventually('he has the badge', async () => (await utteranceOf(admin.being.id).locator('.role').count()) === 1)
  })

  test('W75 that older messages do not come is said outside of the conversation', async () => {
    const room = await stage().newSpace('The room')
    const bob = await guestIn(room, 'Bob')
    for (let page = 0; page < 3; page += 1)
      await write(bob, ...Array.from({ length: 80 }, (_, index) => utterance(room, `Line ${page * 80 + index}`)))
    const ada = await stage().enter(room, 'Ada')
    await ada.page.route('**/intentions**', (route) => route.fulfill({ status: 503 }))
    await ada.reload()
    await ada.sees('Line 239')
    const alert = ada.page.getByRole('alert').filter({ hasText: 'Older messages did not come.' })
    await eventually('it is said', async () => {
      // A page that is still arriving goes back to its end.
      await ada.page.locator('.scroller').evaluate((box) => (box.scrollTop = 0))
      return (await alert.count()) > 0
    })
    expect(await ada.page.locator('.scroller [role=alert]').count()).toBe(0)
    await ada.page.unroute('**/intentions**')
    await alert.getByRole('button', { name: 'Try again' }).click()
    await ada.sees('Line 0')
    await alert.waitFor({ state: 'detached' })
  })

  test('W76 the Enter that ends a composition does not send', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    await ada.page.getByPlaceholder('Write a message').waitFor()
    const input = ada.page.getByTestId('message-input')
    await input.fill('にほん')
    // As Safari sends it: after the end of the composition, with the code of a key that the input method took.
    const isLeftAlone = await input.evaluate((box) =>
      box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true })),
    )
    expect(isLeftAlone).toBe(true)
    expect(await input.inputValue()).toBe('にほん')
    await ada.send()
    await ada.seesOnly('にほん')
  })

  test('W146 the Escape that gives up a composition leaves the name that is typed', async () => {
    const ada = await stage().enter(await stage().newSpace('The room'), 'Ada')
    await ada.page.getByTestId('own-name-edit').click()
    const input = ada.page.getByTestId('own-name-input')
    await input.fill('エイダ')
    const press = (how: { isComposing?: boolean; keyCode?: number }): Promise<void> =>
      input.evaluate((box, init: { isComposing?: boolean; keyCode?: number }) => {
        box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, ...init }))
      }, how)
    await press({ isComposing: true })
    await press({ keyCode: 229 })
    expect(await input.inputValue()).toBe('エイダ')
    await press({})
    await input.waitFor({ state: 'detached' })
  })
})

/** As base64, so that a page can be given them. */
const picturesOf = async (parts: readonly Locator[]): Promise<string[]> => {
  const pictures = await Promise.all(parts.map((part) => part.screenshot({ animations: 'disabled', caret: 'hide' })))
  return pictures.map((picture) => picture.toString('base64'))
}

/** How many pixels of two pictures differ by more than what smoothing an edge does. */
async function pixelsApart(pictures: readonly [string, string]): Promise<number> {
  const pixelsOf = async (picture: string): Promise<ImageData> => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0))
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
    if (canvas === null) throw new Error('no canvas')
    canvas.drawImage(bitmap, 0, 0)
    return canvas.getImageData(0, 0, bitmap.width, bitmap.height)
  }
  const [one, other] = await Promise.all([pixelsOf(pictures[0]), pixelsOf(pictures[1])])
  if (one.width !== other.width || one.height !== other.height) throw new Error('pictures of different sizes')
  return one.data.filter((value, index) => Math.abs(value - (other.data[index] ?? 0)) > 64).length
}

/** All that can be read on a page or heard of it, but for what one types oneself. */
function textsOfThePage(): string[] {
  const texts = [document.title]
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) texts.push(node.textContent ?? '')
  for (const element of document.querySelectorAll('*'))
    for (const { name, value } of element.attributes) if (name !== 'value') texts.push(value)
  return texts
}
