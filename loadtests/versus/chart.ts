/** The rows of a comparison as one picture: a panel of bars for each measure and load. Pure; nothing is fetched. */
import type { Row } from './results.ts'

const WIDTH = 900
const LEFT = 40
const NAME = 150
const BAR = 16
const GAP = 5
const PANEL_GAP = 26
const COLUMN = (WIDTH - 2 * LEFT) / 2
const TOP = 84

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const STYLE = `text{font:12px system-ui,-apple-system,Segoe UI,Roboto,sans-serif;fill:#1d2430}.dim{fill:#5b6472}.t{font-size:17px;font-weight:600}
.h{font-size:13px;font-weight:600}.end{text-anchor:end}.rhizom{fill:#3b6ea5}.other{fill:#c3ccd8}.page{fill:#fbfbfd}.n{font-size:11px}
@media(prefers-color-scheme:dark){text{fill:#e6e9ef}.dim{fill:#9aa4b2}.page{fill:#14181f}.other{fill:#4a5464}}`

export interface Panel {
  title: string
  unit: string
  bars: { name: string; value: number; label: string }[]
}

const bar = (row: Row, value: number | undefined, digits: number, mark = ''): Panel['bars'] =>
  value === undefined || Number.isNaN(value)
    ? []
    : [{ name: row.peer, value: Math.max(0, value), label: `${value.toFixed(digits)}${mark}` }]

/** Never rounded up to a whole: 100 % is said of what is whole. */
const percentDown = (share = 0): number => Math.floor(share * 10_000) / 100

/** Whoever loses what came meanwhile has nothing to catch up with. */
const isKept = ({ deliveredShare = 0 }: Row): boolean => deliveredShare > 0.99

/** What is shown, in order; a panel without bars is left out. */
export function panelsOf(rows: readonly Row[]): Panel[] {
  const byLoad = (profile: Row['profile']): [string, Row[]][] => [
    ...Map.groupBy(
      rows.filter((row) => row.profile === profile),
      ({ load }) => load,
    ),
  ]
  const fanOut = byLoad('fan-out').flatMap(([load, all]): Panel[] => [
    {
      title: load,
      unit: 'µs CPU a delivery',
      bars: all.flatMap((row) => bar(row, row.microseconds, 2, (row.serverBusy ?? 0) > 0.97 ? ' saturated' : '')),
    },
    { title: load, unit: 'ms from write to screen, p99', bars: all.flatMap((row) => bar(row, row.p99Ms, 0)) },
  ])
  const jitter = byLoad('jitter').flatMap(([load, all]): Panel[] => [
    { title: load, unit: '% delivered', bars: all.flatMap((row) => bar(row, percentDown(row.deliveredShare), 2)) },
    {
      title: load,
      unit: 'ms after return, p99',
      bars: all.flatMap((row) => bar(row, isKept(row) ? row.returnP99Ms : undefined, 0)),
    },
  ])
  const idle = byLoad('idle').map(
    ([load, all]): Panel => ({
      title: load,
      unit: 'kB resident each',
      bars: all.flatMap((row) => bar(row, row.bytesEach === undefined ? undefined : row.bytesEach / 1_024, 1)),
    }),
  )
  return [...fanOut, ...jitter, ...idle].filter(({ bars }) => bars.length > 0)
}

const heightOf = ({ bars }: Panel): number => 22 + bars.length * (BAR + GAP) + PANEL_GAP

function drawPanel({ title, unit, bars }: Panel, x: number, y: number): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.EPSILON)
  const room = COLUMN - NAME - 92
  const lines = bars.map(({ name, value, label }, i) => {
    const at = y + 24 + i * (BAR + GAP)
    const width = Math.max(1, (value / most) * room)
    const kind = name === 'rhizom' ? 'rhizom' : 'other'
    return `<text class="end" x="${x + NAME - 8}" y="${at + 12}">${escape(name)}</text><rect class="${kind}" x="${x + NAME}" y="${at}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/><text class="n dim" x="${(x + NAME + width + 6).toFixed(1)}" y="${at + 12}">${escape(label)}</text>`
  })
  return `<text x="${x}" y="${y + 10}"><tspan class="h">${escape(unit)}</tspan><tspan class="dim" dx="8">${escape(title)}</tspan></text>${lines.join('')}`
}

/** `words` say when and on what. */
export function versusChart(rows: readonly Row[], words: string): string {
  const panels = panelsOf(rows)
  const columns = [LEFT, LEFT + COLUMN]
  const parts: string[] = []
  let y = TOP
  for (let at = 0; at < panels.length; at += 2) {
    const pair = panels.slice(at, at + 2)
    for (const [i, panel] of pair.entries()) parts.push(drawPanel(panel, columns[i] ?? LEFT, y))
    y += Math.max(...pair.map(heightOf))
  }
  const height = y + 10
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"><title>rhizom and others, measured in one run</title><style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="14"/>
<text class="t" x="${LEFT}" y="36">rhizom and others, measured in one run</text>
<text class="dim" x="${LEFT}" y="58">${escape(words)}</text>
${parts.join('\n')}
</svg>
`
}
