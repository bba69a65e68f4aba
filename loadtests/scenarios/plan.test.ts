import { describe, expect, it } from 'vitest'
import { aPlan } from '../testing/a-plan.ts'
import { clientsOf, creatorOf, type Plan, readPlan, spacesOf, writeTimesMs } from './plan.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const everyClient = (of: Plan) => numbers(of.watcherVus).flatMap((watcher) => clientsOf(of, watcher))

describe('the plan', () => {
  it.each([1, 2, 3, 4, 7])(
    'L6 each client has one place, and %i spaces are each watched through both gateways',
    (spaces) => {
      const places = everyClient(aPlan({ spaces }))
      expect(places.map(({ client }) => client).toSorted((a, b) => a - b)).toEqual(numbers(24))
      for (const space of numbers(spaces)) {
        const gateways = new Set(places.filter((place) => place.space === space).map(({ gateway }) => gateway))
        expect(gateways).toEqual(new Set([0, 1]))
      }
    },
  )

  it.each([
    [1, 4],
    [4, 4],
    [3, 7],
    [9, 2],
  ])('L6 %i writers reach %i spaces, each created by one who writes to it', (writers, spaces) => {
    const of = aPlan({ writers, spaces })
    const written = numbers(writers).flatMap((writer) => spacesOf(of, writer))
    expect([...new Set(written)].toSorted((a, b) => a - b)).toEqual(numbers(spaces))
    for (const space of numbers(spaces)) expect(spacesOf(of, creatorOf(of, space))).toContain(space)
  })

  it('L6 writers take turns at an even pace', () => {
    const times = numbers(4)
      .map((writer) => writeTimesMs(aPlan(), writer))
      .flatMap(({ firstMs, everyMs }) => [firstMs, firstMs + everyMs])
      .toSorted((a, b) => a - b)
    expect(times).toEqual([0, 25, 50, 75, 100, 125, 150, 175])
  })

  it('L6 a plan survives its way to k6, and one that is none is refused', () => {
    expect(readPlan(JSON.stringify(aPlan()))).toEqual(aPlan())
    expect(() => readPlan(undefined)).toThrow(/npm run loadtest/)
    expect(() => readPlan('{"clients":0}')).toThrow(/no plan/)
  })
})
