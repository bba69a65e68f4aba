import { describe, expect, it } from 'vitest'
import { chosen, parseVersus } from './arguments.ts'

describe('the arguments of a comparison', () => {
  it('L27 are all profiles of all systems unless they say less', () => {
    expect(parseVersus([])).toMatchObject({
      ok: true,
      value: {
        profiles: ['fan-out', 'idle', 'jitter'],
        rounds: 3,
        fanOut: [{ watchers: 1_000, rate: 50 }, { rate: 200 }, { rate: 500 }],
        jitter: { everySeconds: 15, awaySeconds: 2, rate: 2 },
      },
    })
    expect(parseVersus(['--quick', '--profile', 'idle', '--idle', '7'])).toMatchObject({
      ok: true,
      value: { profiles: ['idle'], rounds: 1, idleConnections: 7, quick: true },
    })
  })

  it.each([
    [['--rounds', '0'], /--rounds/],
    [['--rates', '50,many'], /--rates/],
    [['--rates', '0'], /--rates/],
    [['--profile', 'speed'], /no profile speed/],
    [['--faster'], /faster/],
  ])('L27 %j are refused', (args, says) => {
    const parsed = parseVersus(args)
    expect(parsed.ok ? '' : parsed.problem).toMatch(says)
  })

  it('L27 name systems by the beginning of their names', () => {
    const names = ['rhizom', 'bare ws', 'bare uWebSockets.js']
    expect(chosen(names, [])).toEqual(names)
    expect(chosen(names, ['bare', 'RHIZ'])).toEqual(names)
    expect(chosen(names, ['bare u'])).toEqual(['bare uWebSockets.js'])
    expect(chosen(names, ['nobody'])).toBeUndefined()
  })
})
