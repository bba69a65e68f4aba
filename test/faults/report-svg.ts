/**
 * The picture of a run: one row per fault, the numbers that must be zero, a bar for how long until every client was
 * level again after healing, a thin one for how long until everybody who tells of presence was exact, and a mark for
 * the longest delay of any acknowledged change. Plain SVG without scripts or fonts of its own, readable on a light and
 * on a dark page.
 */
import type { Outcome } from './drill.ts'
import type { RunFacts } from './run-facts.ts'
import { labelOf, type Row, rowsOf, type Totals, totalsOf } from './report-rows.ts'

const WIDTH = 1200
const ROW = 24
const TOP = 156
const LEFT = 28
/** Where the columns end; the bars begin there. */
const COLUMNS = { acknowledged: 492, bars: 836, end: 1164 } as const
/** What must be zero. */
const ZEROS = [
  { head: 'lost', x: 542, of: ({ lost }: Zeros) => lost },
  { head: 'twice', x: 588, of: ({ duplicated }: Zeros) => duplicated },
  { head: 'order', x: 634, of: ({ outOfOrder }: Zeros) => outOfOrder },
  { head: 'ghosts', x: 694, of: ({ ghosts }: Zeros) => ghosts },
  { head: 'missing', x: 752, of: ({ missing }: Zeros) => missing },
  { head: 'blinks', x: 802, of: ({ blinks }: Zeros) => blinks },
] as const

type Zeros = Omit<Totals, 'acknowledged' | 'failed'>

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[mark] ?? mark)

/** Linear up to a second, logarithmic beyond it, so that 20 ms and 10 s both show. */
const scale = (ms: number, mostMs: number): number => {
  const bend = (value: number): number => (value <= 1_000 ? value / 1_000 : 1 + Math.log2(value / 1_000))
  return (bend(Math.max(0, ms)) / bend(mostMs)) * (COLUMNS.end - COLUMNS.bars)
}

const shortTime = (ms: number): string => (ms < 950 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`)

const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ' ')

const zeros = (from: Zeros, y: number): string =>
  ZEROS.map(({ x, of }) => {
    const value = of(from)
    return `<text class="n ${value === 0 ? 'good' : 'bad'}" x="${x}" y="${y}">${number(value)}</text>`
  }).join('')

const bar = (name: string, y: number, height: number, width: number): string =>
  `<rect class="${name}" x="${COLUMNS.bars}" y="${y}" width="${Math.max(2, width).toFixed(1)}" height="${height}" rx="2"/>`

function rowOf(row: Row, index: number, mostMs: number): string {
  const y = TOP + index * ROW
  const base = y + 16
  const mark = COLUMNS.bars + scale(row.worstDelayMs, mostMs)
  const told = (ms: number | undefined): string => (ms === undefined ? 'never' : `${shortTime(ms)} after healing`)
  const title = `${row.name}: level ${told(row.levelMs)}, presence exact ${told(row.exactMs)}, longest delay ${shortTime(row.worstDelayMs)}`
  return [
    `<g><title>${escaped(title)}</title>`,
    `<text class="${row.passed ? 'name' : 'name bad'}" x="${LEFT}" y="${base}">${escaped(labelOf(row))}</text>`,
    `<text class="n" x="${COLUMNS.acknowledged}" y="${base}">${number(row.acknowledged)}</text>`,
    zeros(row, base),
    bar('bar', y + 5, 8, scale(row.levelMs ?? 0, mostMs)),
    bar('exact', y + 15, 4, scale(row.exactMs ?? 0, mostMs)),
    `<line class="mark" x1="${mark.toFixed(1)}" x2="${mark.toFixed(1)}" y1="${y + 4}" y2="${y + 20}"/>`,
    '</g>',
  ].join('')
}

/** Under the grid, so that it shows through every row. */
const stripes = (count: number): string =>
  Array.from({ length: Math.ceil(count / 2) }, (_, pair) => TOP + pair * 2 * ROW)
    .map((y) => `<rect class="stripe" x="16" y="${y}" width="${WIDTH - 32}" height="${ROW}" rx="4"/>`)
    .join('')

function axis(mostMs: number, height: number): string {
  const ticks = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000].filter((ms) => ms <= mostMs)
  return ticks
    .map((ms) => {
      const x = (COLUMNS.bars + scale(ms, mostMs)).toFixed(1)
      return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${TOP + height}"/><text class="tick" x="${x}" y="${TOP - 12}">${ms === 0 ? '0' : shortTime(ms)}</text>`
    })
    .join('')
}

const STYLE = `
  text { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
  .paper { fill: #ffffff; stroke: #d0d7de } .stripe { fill: #f6f8fa } .title { font-size: 18px; font-weight: 600 }
  .facts, .tick, .head { fill: #57606a; font-size: 12px } .tick { text-anchor: middle } .n, .head.right { text-anchor: end }
  .n { font-variant-numeric: tabular-nums } .good { fill: #1a7f37; font-weight: 600 } .bad { fill: #cf222e; font-weight: 700 }
  .bar { fill: #54aeff } .exact { fill: #d4a72c } .mark { stroke: #8250df; stroke-width: 2 } .grid { stroke: #d0d7de; stroke-dasharray: 2 3 }
  .total { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .paper { fill: #0d1117; stroke: #30363d } .stripe { fill: #161b22 }
    .facts, .tick, .head { fill: #8d96a0 } .good { fill: #3fb950 } .bad { fill: #f85149 } .bar { fill: #1f6feb } .exact { fill: #9e6a03 }
    .mark { stroke: #a371f7 } .grid { stroke: #30363d }
  }`

export function pictureOf(outcomes: readonly Outcome[], facts: RunFacts, order: readonly string[] = []): string {
  const rows = rowsOf(outcomes, order)
  const totals = totalsOf(outcomes)
  const mostMs =
    Math.max(
      2_000,
      ...rows.flatMap(({ levelMs, exactMs, worstDelayMs }) => [levelMs ?? 0, exactMs ?? 0, worstDelayMs]),
    ) * 1.05
  const height = rows.length * ROW
  const bottom = TOP + height
  const head = (x: number, text: string): string => `<text class="head right" x="${x}" y="${TOP - 12}">${text}</text>`
  const verdict = `${number(outcomes.length)} faults, ${number(totals.acknowledged)} acknowledged writes: ${number(totals.lost)} lost, ${number(totals.duplicated)} twice, ${number(totals.outOfOrder)} out of order`
  const presence = `who is here: ${number(totals.ghosts)} ghosts left, ${number(totals.missing)} missing, ${number(totals.blinks)} called away who stayed`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 108}" role="img" aria-label="${escaped(`${verdict}; ${presence}`)}">
<style>${STYLE}
</style>
<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${bottom + 107}" rx="8"/>
<text class="title" x="${LEFT}" y="40">${escaped(verdict)}</text>
<text class="title" x="${LEFT}" y="64">${escaped(presence)}</text>
<text class="facts" x="${LEFT}" y="86">${escaped(facts.participants)}</text>
<text class="facts" x="${LEFT}" y="104">${escaped(`${facts.command} · commit ${facts.commit} · ${facts.date} · seed ${facts.seed} · ${Math.round(facts.tookMs / 1_000)} s · ${facts.presence}`)}</text>
<text class="head" x="${LEFT}" y="${TOP - 12}">fault</text>
${head(COLUMNS.acknowledged, 'acknowledged')}${ZEROS.map(({ head: text, x }) => head(x, text)).join('')}
${stripes(rows.length)}${axis(mostMs, height)}
${rows.map((row, index) => rowOf(row, index, mostMs)).join('\n')}
<text class="total" x="${LEFT}" y="${bottom + 24}">all</text>
<text class="n total" x="${COLUMNS.acknowledged}" y="${bottom + 24}">${number(totals.acknowledged)}</text>
${zeros(totals, bottom + 24)}
<rect class="bar" x="${LEFT}" y="${bottom + 48}" width="24" height="8" rx="2"/>
<text class="facts" x="${LEFT + 32}" y="${bottom + 57}">from healing until every client holds everything</text>
<line class="mark" x1="${LEFT + 412}" x2="${LEFT + 412}" y1="${bottom + 45}" y2="${bottom + 61}"/>
<text class="facts" x="${LEFT + 422}" y="${bottom + 57}">longest that any acknowledged change took to any client, outage included</text>
<rect class="exact" x="${LEFT}" y="${bottom + 74}" width="24" height="4" rx="2"/>
<text class="facts" x="${LEFT + 32}" y="${bottom + 81}">from healing until every client, every api node and Redis tell exactly who is here</text>
</svg>
`
}
