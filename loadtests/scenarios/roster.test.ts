import { describe, expect, it } from 'vitest'
import { changeRoster, rosterFaults, setRoster } from './roster.ts'

const at = (being: string) => ({ being, since: 5 })

describe('who is here on a screen', () => {
  it('L19 is what was told at first, with the joins and without the leaves since', () => {
    const here = new Set<string>(['@old'])
    setRoster(here, [at('@ada'), at('@bob')])
    expect(changeRoster(here, [at('@cleo')], ['@bob'])).toEqual({ joined: [at('@cleo')], doubled: 0 })
    expect([...here].toSorted()).toEqual(['@ada', '@cleo'])
  })

  it('L19 a join of who is here, and a leave of who is not, are findings', () => {
    const here = new Set(['@ada'])
    expect(changeRoster(here, [at('@ada')], ['@bob']).doubled).toBe(2)
  })

  it('L19 whoever leaves and joins at once is there, and that is none', () => {
    const here = new Set(['@ada'])
    expect(changeRoster(here, [at('@ada')], ['@ada']).doubled).toBe(0)
    expect(here).toEqual(new Set(['@ada']))
  })

  it('L19 ghosts and those who are missing both count', () => {
    expect(rosterFaults(new Set(['@ada', '@ghost']), new Set(['@ada', '@bob', '@cleo']))).toBe(3)
  })
})
