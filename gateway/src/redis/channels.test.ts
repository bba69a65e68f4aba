import { describe, expect, test } from 'vitest'
import { ChannelSubscriptions } from './channels.ts'

describe('wanted channels', () => {
  test('G40 what is wanted stays wanted when the connection forgets', () => {
    const interest = new ChannelSubscriptions()
    const a = interest.want('@a')
    interest.want('@b')
    expect(interest.confirm('@a', a)).toBe(true)
    expect(interest.missing().map(({ space }) => space)).toEqual(['@b'])
    interest.forget()
    expect(interest.missing().map(({ space }) => space)).toEqual(['@a', '@b'])
  })

  test('G40 a confirmation of an earlier wish does not count, and none counts twice', () => {
    const interest = new ChannelSubscriptions()
    const first = interest.want('@a')
    interest.leave('@a')
    expect(interest.confirm('@a', first)).toBe(false)
    const second = interest.want('@a')
    expect(interest.confirm('@a', first)).toBe(false)
    expect(interest.confirm('@a', second)).toBe(true)
    expect(interest.confirm('@a', second)).toBe(false)
  })

  test('G40 what was left is not joined again', () => {
    const interest = new ChannelSubscriptions()
    interest.want('@a')
    interest.leave('@a')
    expect(interest.missing()).toEqual([])
    expect(interest.isWanted('@a')).toBe(false)
  })
})
