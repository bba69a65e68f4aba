/**
 * The figures of the presence benchmark as a table and as a picture: Redis commands a second for so many connections,
 * idle and under joins and leaves, beside what refreshing each connection's entry every 25 s would cost. Pure.
 */

export interface PresenceMeasure {
  connections: number
  spaces: number
  /** Redis commands a second, of all processes together. */
  idle: number
  churn: number
  /** Entries in Redis when all had gathered; one for each connection. */
  entries: number
  /** The most frequent commands while idle and under churn. */
  idleCommands: string
  churnCommands: string
}

/** One command for each connection this often is what a widely used peer spends on presence. */
const PEER_REFRESH_SECONDS = 25
export const peerCost = (connections: number): number => connections / PEER_REFRESH_SECONDS

const rounded = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)))
const thousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ' ')

export function presenceTable(measures: readonly PresenceMeasure[]): string {
  const head = ['connections', 'spaces', 'entries', 'idle /s', 'churn /s', `refresh every ${PEER_REFRESH_SECONDS} s /s`]
  const rows = measures.map((one) => [
    thousands(one.connections),
    thousands(one.spaces),
    thousands(one.entries),
    rounded(one.idle),
    rounded(one.churn),
    rounded(peerCost(one.connections)),
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')
  return [line(head), ...rows.map(line)].join('\n')
}

const WIDTH = 860
const HEIGHT = 400
const PLOT = { left: 70, right: 840, top: 92, bottom: 330 } as const
const MOST = 1000

/** Commands a second on a logarithmic scale from 0.1 to 1000. */
const heightOf = (value: number): number => {
  const share = (Math.log10(Math.max(0.1, Math.min(MOST, value))) + 1) / (Math.log10(MOST) + 1)
  return share * (PLOT.bottom - PLOT.top)
}

const STYLE = `text{font:13px system-ui,-apple-system,Segoe UI,Roboto,sans-serif;fill:#1d2430}.dim{fill:#5b6472}.t{font-size:17px;font-weight:600}
.idle{fill:#3b6ea5}.churn{fill:#8fb4dc}.peer{fill:#c8843c}.grid{stroke:#dfe3ea}.end{text-anchor:end}.mid{text-anchor:middle}.n{font-size:11px}
@media(prefers-color-scheme:dark){text{fill:#e6e9ef}.dim{fill:#9aa4b2}.page{fill:#14181f}.grid{stroke:#2c3440}}`

export function presenceChart(measures: readonly PresenceMeasure[], churnWords: string): string {
  const counts = [...new Set(measures.map(({ connections }) => connections))]
  const groupWidth = (PLOT.right - PLOT.left) / Math.max(1, counts.length)
  const bar = (x: number, width: number, value: number, kind: string): string => {
    const height = heightOf(value)
    const top = PLOT.bottom - height
    return `<rect class="${kind}" x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" rx="2"/><text class="n mid" x="${(x + width / 2).toFixed(1)}" y="${(top - 5).toFixed(1)}">${rounded(value)}</text>`
  }
  const groups = counts.flatMap((connections, group) => {
    const left = PLOT.left + group * groupWidth + groupWidth * 0.06
    const bars = measures.filter((one) => one.connections === connections)
    const width = (groupWidth * 0.88) / (bars.length * 2 + bars.length * 0.3 + 1)
    const parts = bars.flatMap((one, index) => {
      const x = left + index * width * 2.3
      const label = `<text class="n mid dim" x="${(x + width).toFixed(1)}" y="${PLOT.bottom + 16}">${thousands(one.spaces)}</text>`
      return [bar(x, width * 0.96, one.idle, 'idle'), bar(x + width, width * 0.96, one.churn, 'churn'), label]
    })
    const peer = bar(left + bars.length * width * 2.3, width * 0.96, peerCost(connections), 'peer')
    const middle = PLOT.left + (group + 0.5) * groupWidth
    const title = `<text class="mid" x="${middle.toFixed(1)}" y="${PLOT.bottom + 38}">${thousands(connections)} connections</text>`
    return [...parts, peer, title]
  })
  const grid = [0.1, 1, 10, 100, 1000].map((value) => {
    const y = (PLOT.bottom - heightOf(value)).toFixed(1)
    return `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}"/><text class="n dim end" x="${PLOT.left - 8}" y="${y}" dy="4">${value}</text>`
  })
  const legend = [
    ['idle', 'idle'],
    ['churn', churnWords],
    ['peer', `one refresh per connection every ${PEER_REFRESH_SECONDS} s (computed)`],
  ].map(([kind, words], index) => {
    const x = [70, 150, 430][index] ?? 0
    return `<rect class="${kind}" x="${x}" y="54" width="12" height="12" rx="2"/><text class="dim" x="${x + 18}" y="65">${words}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}"><title>What presence costs Redis</title><style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="14" fill="#fbfbfd"/>
<text class="t" x="70" y="36">Redis commands a second, two gateways</text>
${[...legend, ...grid, ...groups].join('\n')}
<text class="n dim" x="70" y="${PLOT.bottom + 16}" text-anchor="end" dx="-8">spaces</text>
<text class="n dim" x="70" y="${HEIGHT - 10}">Everything sent to Redis, counted by INFO commandstats: heartbeats, pings, announcements, writes, reads. Logarithmic.</text>
</svg>
`
}
