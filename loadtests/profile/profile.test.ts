import { describe, expect, it } from 'vitest'
import { parseProfileArguments, processOf } from './arguments.ts'
import { callTree, type CpuProfile, shortPlace, topFunctions, withoutIdle } from './cpu-profile.ts'
import { flameGraph } from './flame-graph.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
const ours = 'file:///somewhere/gateway/src/space/fan-out.ts'
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 5] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('send', ours, 9), children: [4] },
    { id: 4, callFrame: frame('<encode>', 'node:buffer', 1) },
    { id: 5, callFrame: frame('encode', ours, 20), children: [6] },
    { id: 6, callFrame: frame('send', ours, 9) },
  ],
  startTime: 0,
  endTime: 100_000,
  samples: [2, 3, 4, 6],
  timeDeltas: [60_000, 10_000, 20_000, 10_000],
}

describe('a profile', () => {
  it('L12 gives each call the time of what it called, without the time in which nothing was to do', () => {
    const { busy, idleMs } = withoutIdle(callTree(profile))
    expect(idleMs).toBe(60)
    expect(busy.totalMs).toBe(40)
    expect(busy.children.map(({ name, totalMs, selfMs }) => [name, totalMs, selfMs])).toEqual([
      ['send', 30, 10],
      ['encode', 10, 0],
    ])
  })

  it('L12 sums a function over all places that called it', () => {
    const { busy } = withoutIdle(callTree(profile))
    expect(topFunctions(busy, 2)).toEqual([
      { name: 'send', place: 'gateway/src/space/fan-out.ts:10', selfMs: 20, share: 0.5 },
      { name: '<encode>', place: 'node:buffer:2', selfMs: 20, share: 0.5 },
    ])
  })

  it.each([
    ['file:///x/node_modules/.pnpm/zod@4/node_modules/zod/v4/core.js', 'zod/v4/core.js:1'],
    ['file:///x/node_modules/.pnpm/a/node_modules/@uwsjs/core/uws.js', '@uwsjs/core/uws.js:1'],
    ['node:events', 'node:events:1'],
    ['', ''],
  ])('L12 names the place %s as %s', (url, place) => expect(shortPlace(url, 0)).toBe(place))
})

describe('a flame graph', () => {
  const { busy } = withoutIdle(callTree(profile))
  const svg = flameGraph(busy, 'Where <it> goes', 'ten seconds')

  it('L13 is one file that asks nobody for anything and runs nothing', () => {
    expect(svg).not.toMatch(/<script|<image|@import|url\(|href|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
    expect(svg).toContain('Where &lt;it&gt; goes')
    expect(svg).toContain('&lt;encode&gt;')
  })

  it('L13 draws what is wide enough to see, as wide as the time it took', () => {
    const widths = [...svg.matchAll(/<rect class="(\w+)" x="[\d.]+" y="\d+" width="([\d.]+)"/g)].map(
      ([, kind, width]) => [kind, Math.round(Number(width))],
    )
    expect(widths).toContainEqual(['ours', 882])
    expect(widths).toContainEqual(['node', 588])
    expect(flameGraph({ ...busy, totalMs: 1e9 }, 't', 'w')).not.toContain('send')
  })

  it('L13 of a process that did nothing is a picture too', () => {
    const nothing = callTree({ nodes: [], startTime: 0, endTime: 0, samples: [], timeDeltas: [] })
    expect(flameGraph(nothing, 't', 'w')).toContain('</svg>')
  })
})

describe('the arguments of a profile', () => {
  it('L14 name a part, or the id of a process', () => {
    expect(parseProfileArguments(['gateway'])).toMatchObject({ ok: true, value: { part: 'gateway', seconds: 10 } })
    expect(parseProfileArguments(['--pid', '12', '--seconds', '3'])).toMatchObject({ ok: true, value: { pid: 12 } })
  })

  it.each([
    [[], /which part/],
    [['gateway', 'api'], /one part/],
    [['gateway', '--pid', '3'], /not both/],
    [['gateway', '--seconds', '0'], /--seconds/],
    [['gateway', '--seconds', '100000'], /--seconds/],
    [['--pid', 'x'], /--pid/],
    [['gateway', '--speed', '3'], /speed/],
  ])('L14 %j are refused', (args, says) => {
    const parsed = parseProfileArguments(args)
    expect(parsed.ok ? '' : parsed.problem).toMatch(says)
  })

  it('L14 a part is found by its name or the beginning of it', () => {
    const processes = { 'gateway-2': 5, 'gateway-1': 4, 'api-1': 3 }
    expect(processOf('gateway', processes)).toEqual({ name: 'gateway-1', pid: 4 })
    expect(processOf('gateway-2', processes)).toEqual({ name: 'gateway-2', pid: 5 })
    expect(processOf('toString', processes)).toBeUndefined()
  })
})
