/** The figures of a run as one self-contained page: no script, no request, a chart drawn in SVG. Pure. */
import { describePlan, type Figures, milliseconds, type Percentiles } from './report.ts'

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const COLOURS = ['#2563eb', '#d97706', '#059669', '#db2777'] as const

/** The steps of the horizontal axis: the tail gets the room it deserves. */
const STEPS: readonly [label: string, read: (p: Percentiles) => number][] = [
  ['min', (p) => p.min],
  ['5 %', (p) => p.p5],
  ['25 %', (p) => p.p25],
  ['50 %', (p) => p.median],
  ['75 %', (p) => p.p75],
  ['90 %', (p) => p.p90],
  ['95 %', (p) => p.p95],
  ['99 %', (p) => p.p99],
  ['99.9 %', (p) => p.p999],
  ['max', (p) => p.max],
]

const WIDTH = 760
const HEIGHT = 300
const LEFT = 68
const BOTTOM = 36
const TOP = 16

interface Series {
  name: string
  percentiles: Percentiles
}

/** A round number at or above a value, for the top of the axis. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1
  const magnitude = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((factor) => factor * magnitude >= value) ?? 10) * magnitude
}

/** How many milliseconds which share of the changes took. */
export function percentileChart(series: readonly Series[], boundMs: number): string {
  const highest = Math.max(...series.map(({ percentiles }) => percentiles.max))
  const top = roundUp(highest)
  const x = (step: number): number => LEFT + (step * (WIDTH - LEFT - 16)) / (STEPS.length - 1)
  const y = (ms: number): number => HEIGHT - BOTTOM - (Math.max(ms, 0) / top) * (HEIGHT - BOTTOM - TOP)
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(share * top).toFixed(1)
    return `<line x1="${LEFT}" y1="${at}" x2="${WIDTH - 16}" y2="${at}" class="grid"/><text x="${LEFT - 8}" y="${at}" class="left">${milliseconds(share * top)}</text>`
  })
  const axis = STEPS.map(
    ([label], step) => `<text x="${x(step).toFixed(1)}" y="${HEIGHT - 12}" class="below">${label}</text>`,
  )
  const bound =
    boundMs <= top
      ? [
          `<line x1="${LEFT}" y1="${y(boundMs).toFixed(1)}" x2="${WIDTH - 16}" y2="${y(boundMs).toFixed(1)}" class="bound"/>`,
        ]
      : []
  const lines = series.map(({ name, percentiles }, i) => {
    const colour = COLOURS[i % COLOURS.length] ?? COLOURS[0]
    const points = STEPS.map(([, read], step) => `${x(step).toFixed(1)},${y(read(percentiles)).toFixed(1)}`)
    const dots = STEPS.map(
      ([label, read], step) =>
        `<circle cx="${x(step).toFixed(1)}" cy="${y(read(percentiles)).toFixed(1)}" r="3" fill="${colour}"><title>${escape(name)}, ${label}: ${milliseconds(read(percentiles))}</title></circle>`,
    )
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}<text x="${LEFT + 12}" y="${TOP + 14 + i * 18}" fill="${colour}">${escape(name)}</text>`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Milliseconds from commit to screen by share of changes">${[...grid, ...axis, ...bound, ...lines].join('')}</svg>`
}

const row = (cells: readonly string[], tag: 'td' | 'th' = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`

/** The page. */
export function htmlReport(figures: Figures): string {
  const series = [
    { name: 'all gateways', percentiles: figures.commitToScreen },
    ...figures.byGateway.map((percentiles, i) => ({ name: `gateway ${i + 1}`, percentiles })),
  ].flatMap(({ name, percentiles }) => (percentiles === undefined ? [] : [{ name, percentiles }]))
  const chart = series.length === 0 ? '<p>No change reached a screen.</p>' : percentileChart(series, figures.plan.p95Ms)
  const verdict = figures.passed ? 'Every bound holds' : 'Not every bound holds'
  const others = Object.entries(figures.others)
    .map(([name, p]) => row([escape(name.replaceAll('_', ' ')), ...[p.median, p.p95, p.p99, p.max].map(milliseconds)]))
    .join('')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(figures.plan.scenario)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem; color: #1f2937 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
svg { width: 100%; height: auto } svg text { font-size: 12px } .left { text-anchor: end; dominant-baseline: middle }
.below { text-anchor: middle } .grid { stroke: #e5e7eb } .bound { stroke: #dc2626; stroke-dasharray: 4 4 }
.ok { color: #059669 } .broken { color: #dc2626; font-weight: 600 }
</style>
<h1>${escape(figures.plan.scenario)}</h1>
<p>${escape(describePlan(figures.plan))}.</p>
<p class="${figures.passed ? 'ok' : 'broken'}">${verdict}.</p>
<h2>From commit to screen</h2>
${chart}
<p>The database's clock at commit, subtracted from this machine's clock when the client handles the message. Where both are one clock the figure is
exact to a millisecond. The dashed line is the bound for the 95th percentile, ${milliseconds(figures.plan.p95Ms)}.</p>
${others === '' ? '' : `<h2>Also timed</h2>\n<table>${row(['', 'median', 'p95', 'p99', 'max'], 'th')}${others}</table>\n`}<h2>Counts</h2>
<table>${Object.entries(figures.counts)
    .map(([name, count]) => row([escape(name.replaceAll('_', ' ')), String(count)]))
    .join('')}</table>
<h2>Bounds</h2>
<table>${row(['measure', 'bound', 'held'], 'th')}${figures.bounds
    .map(({ measure, bound, held }) =>
      row([escape(measure), escape(bound), held ? '<span class="ok">yes</span>' : '<span class="broken">no</span>']),
    )
    .join('')}</table>
</html>
`
}
