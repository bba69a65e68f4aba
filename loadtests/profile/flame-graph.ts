/**
 * A flame graph as one SVG that asks nobody for anything: each box is a function, its width the time spent in it and in
 * what it called, what it called stands on it. Colours say whose code it is. No script: a box says what it is when the
 * pointer rests on it. Pure.
 */
import type { CallNode } from './cpu-profile.ts'

const WIDTH = 1_200
const ROW = 17
const MARGIN = 12
const TOP = 64
/** What is narrower than this many pixels is left out, with all that stands on it. */
const NARROWEST = 0.4
/** Room for a letter, about. */
const LETTER = 6.4

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const OURS = /^(?:machine|process|protocol|domain|api|gateway|bots|web)\//

/** Whose code a box is. */
function kindOf({ name, place }: CallNode): 'ours' | 'library' | 'node' | 'engine' {
  if (place === '' || name.startsWith('(garbage')) return 'engine'
  if (place.startsWith('node:')) return 'node'
  return OURS.test(place) ? 'ours' : 'library'
}

const LEGEND = [
  ['ours', 'rhizom', 700],
  ['library', 'libraries', 785],
  ['node', 'Node', 875],
  ['engine', 'engine, native code, garbage collection', 940],
] as const

const STYLE = `text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1d2430;pointer-events:none}
.title{font:600 16px system-ui,sans-serif}.dim{font:12px system-ui,sans-serif;fill:#5b6472}.page{fill:#fbfbfd}rect{stroke:#fbfbfd;stroke-width:.5}
.ours{fill:#7fb2e5}.library{fill:#f2c185}.node{fill:#b5d99c}.engine{fill:#e0b3c0}
@media(prefers-color-scheme:dark){.page{fill:#14181f}.title,.dim{fill:#e6e9ef}rect{stroke:#14181f}}`

const depthOf = (node: CallNode, perMs: number): number =>
  node.totalMs * perMs < NARROWEST ? 0 : 1 + Math.max(0, ...node.children.map((child) => depthOf(child, perMs)))

const duration = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`)

/** `busy` is the tree without idle time; the words stand below the title. */
export function flameGraph(busy: CallNode, title: string, words: string): string {
  const perMs = (WIDTH - 2 * MARGIN) / Math.max(busy.totalMs, Number.EPSILON)
  const rows = Math.max(1, depthOf(busy, perMs))
  const height = TOP + rows * ROW + MARGIN
  const boxes: string[] = []
  const draw = (node: CallNode, x: number, depth: number): void => {
    const width = node.totalMs * perMs
    if (width < NARROWEST) return
    const y = height - MARGIN - (depth + 1) * ROW
    const share = ((100 * node.totalMs) / Math.max(busy.totalMs, Number.EPSILON)).toFixed(1)
    const says = `${node.name} ${node.place}\n${duration(node.totalMs)} (${share} %), itself ${duration(node.selfMs)}`
    const letters = Math.floor((width - 6) / LETTER)
    const label = letters < 3 ? '' : node.name.length > letters ? `${node.name.slice(0, letters - 1)}…` : node.name
    boxes.push(
      `<g><title>${escape(says)}</title><rect class="${kindOf(node)}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" rx="1"/>${
        label === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escape(label)}</text>`
      }</g>`,
    )
    let at = x
    for (const child of node.children) {
      draw(child, at, depth + 1)
      at += child.totalMs * perMs
    }
  }
  draw(busy, MARGIN, 0)
  const legend = LEGEND.map(
    ([kind, says, x]) =>
      `<rect class="${kind}" x="${x}" y="16" width="11" height="11"/><text class="dim" x="${x + 16}" y="26">${says}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"><title>${escape(title)}</title><style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
<text class="title" x="${MARGIN}" y="26">${escape(title)}</text>
<text class="dim" x="${MARGIN}" y="46">${escape(words)}</text>
${legend.join('')}
${boxes.join('\n')}
</svg>
`
}
