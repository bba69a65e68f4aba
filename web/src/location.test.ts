import { expect, test } from 'vitest'
import { type Click, leadsOnHere } from './location.ts'

const PLAIN: Click = {
  button: 0,
  defaultPrevented: false,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
}

test('W164 a plain click on a link leads on here', () => {
  expect(leadsOnHere(PLAIN)).toBe(true)
})

test.each<Partial<Click>>([
  { button: 1 },
  { button: 2 },
  { defaultPrevented: true },
  { altKey: true },
  { ctrlKey: true },
  { metaKey: true },
  { shiftKey: true },
])('W164 a click with %j is left to the browser', (wish) => {
  expect(leadsOnHere({ ...PLAIN, ...wish })).toBe(false)
})
