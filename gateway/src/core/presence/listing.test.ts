import { beforeEach, describe, expect, test } from 'vitest'
import { Listing } from './listing.ts'
import { MergedPresence } from './merged.ts'

let merged: MergedPresence
let listing: Listing
const put = (being: string, since: number, state = {}): void =>
  merged.put('b', being, { state, since, setAt: 0, rev: 0 })
const difference = () => listing.takeDifference()
const namesIn = (list: readonly { being: string }[] | undefined): string[] => (list ?? []).map(({ being }) => being)

beforeEach(() => {
  merged = new MergedPresence()
  listing = new Listing(3, merged)
})

describe('up to the limit', () => {
  test('G102 what was undone since the last frame is not told', () => {
    put('@ada', 1)
    difference()
    put('@bob', 2)
    merged.remove('b', '@bob')
    merged.remove('b', '@ada')
    put('@ada', 1)
    expect(difference()).toBeUndefined()
  })

  test('G104 a newcomer is in its own answer, and the next frame tells the others', () => {
    put('@ada', 1)
    difference()
    put('@bob', 2)
    put('@cyd', 3)
    const answer = listing.answer(['@bob'])
    expect(namesIn(answer.here)).toEqual(['@ada', '@bob'])
    expect(answer.hereCount).toBe(2)
    expect(namesIn(difference()?.joined)).toEqual(['@bob', '@cyd'])
  })

  test('G104 one that was named in an answer and left before the next frame is told to have left', () => {
    put('@ada', 1)
    difference()
    put('@bob', 2)
    listing.answer(['@bob'])
    merged.remove('b', '@bob')
    expect(difference()).toEqual({ joined: [], left: ['@bob'], updated: [], hereCount: 1 })
  })
})

describe('over the limit', () => {
  beforeEach(() => {
    for (let index = 1; index <= 5; index++) put(`@b${index}`, index)
    difference()
  })

  test('G106 whoever comes is counted and not named', () => {
    put('@late', 9)
    expect(difference()).toEqual({ joined: [], left: [], updated: [], hereCount: 6 })
    expect(listing.answer(['@late'])).toMatchObject({ here: [{}, {}, {}], hereCount: 6 })
  })

  test('G106 the count in an answer is that of now', () => {
    for (let index = 6; index <= 9; index++) put(`@b${index}`, index)
    expect(listing.answer([]).hereCount).toBe(9)
    expect(difference()).toMatchObject({ hereCount: 9 })
    put('@late', 10)
    expect(listing.answer([]).hereCount).toBe(10)
    // Undone within the window: whoever was told of it has to be told.
    merged.remove('b', '@late')
    expect(difference()).toEqual({ joined: [], left: [], updated: [], hereCount: 9 })
    expect(difference()).toBeUndefined()
  })

  test('G106 one of the list who leaves is named, and another takes the place; of the others only the count', () => {
    merged.remove('b', '@b2')
    expect(difference()).toMatchObject({ left: ['@b2'], joined: [{ being: '@b4', since: 4 }], hereCount: 4 })
    merged.remove('b', '@b5')
    expect(difference()).toEqual({ joined: [], left: [], updated: [], hereCount: 3 })
  })

  test('G106 states of those not listed are not told', () => {
    put('@b5', 5, { away: true })
    expect(difference()).toBeUndefined()
    put('@b1', 1, { away: true })
    expect(namesIn(difference()?.updated)).toEqual(['@b1'])
  })

  test('G106 one named in an answer has its place before those who came sooner', () => {
    for (const being of ['@b1', '@b2', '@b3']) merged.remove('b', being)
    difference()
    put('@sooner', 8)
    put('@new', 9)
    expect(namesIn(listing.answer(['@new']).here)).toEqual(['@b4', '@b5', '@new'])
    expect(difference()).toMatchObject({ joined: [{ being: '@new' }], left: [], hereCount: 4 })
  })
})
