/** The rows of a comparison as a table in Markdown. Pure; chart.ts makes the picture of the same rows. */
import type { Discarded, Row } from './results.ts'

export interface Facts {
  at: string
  machine: string
  command: string
  note: string | undefined
  /** What was compared: name, version, settings. */
  peers: { name: string; version: string; settings: string }[]
  discarded: Discarded[]
}

const number = (value: number | undefined, digits = 0): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
]

const share = (value: number | undefined): string => {
  if (value === undefined) return '–'
  // Never rounded up to a whole: 100 % is said of what is whole.
  return value === 1 ? '100 %' : `${(Math.floor(value * 10_000) / 100).toFixed(2)} %`
}

function fanOutTable(rows: readonly Row[]): string[] {
  const head = [
    'load',
    'system',
    'µs CPU a delivery',
    'p50 ms',
    'p99 ms',
    'lost',
    'twice',
    'out of order',
    'bytes',
    'core used',
  ]
  const cells = rows.map((row) => [
    ...[row.load, row.peer, number(row.microseconds, 2), number(row.p50Ms), number(row.p99Ms)],
    ...[number(row.lost), number(row.twice), number(row.outOfOrder), number(row.bytesADelivery), share(row.serverBusy)],
  ])
  return ['## One space, many watchers', '', ...table(head, cells), '']
}

function jitterTable(rows: readonly Row[]): string[] {
  const head = [
    'load',
    'system',
    'delivered',
    'lost',
    'twice',
    'out of order',
    'p99 ms',
    'after return p50 ms',
    'p99 ms',
  ]
  const cells = rows.map((row) => [
    ...[row.load, row.peer, share(row.deliveredShare), number(row.lost), number(row.twice), number(row.outOfOrder)],
    ...[number(row.p99Ms), number(row.returnP50Ms), number(row.returnP99Ms)],
  ])
  return ['## Clients that are cut off again and again', '', ...table(head, cells), '']
}

function idleTable(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.load,
    row.peer,
    number(row.bytesEach === undefined ? undefined : row.bytesEach / 1_024, 1),
  ])
  return ['## Idle connections', '', ...table(['load', 'system', 'kB resident each'], cells), '']
}

export function markdownReport(rows: readonly Row[], facts: Facts): string {
  const of = (profile: Row['profile']): Row[] => rows.filter((row) => row.profile === profile)
  const { at, machine, command, note, peers, discarded } = facts
  return [
    '# rhizom and others, measured in one run',
    '',
    `${at}, ${machine}, by \`${command}\`. The server alone on one core, everything else on another; the same clients and the`,
    'same texts for all; the middle one of several rounds. Delays are from before the write is handed over to the handler of',
    "the client's socket: for rhizom with a durable commit in between. Only what was measured in one run may be compared.",
    ...(note === undefined ? [] : ['', `**${note}**`]),
    '',
    ...(of('fan-out').length > 0 ? fanOutTable(of('fan-out')) : []),
    ...(of('jitter').length > 0 ? jitterTable(of('jitter')) : []),
    ...(of('idle').length > 0 ? idleTable(of('idle')) : []),
    '## What was compared',
    '',
    ...table(
      ['system', 'version', 'settings'],
      peers.map(({ name, version, settings }) => [name, version, settings]),
    ),
    '',
    '## What was not, or was left out',
    '',
    ...(discarded.length === 0 ? ['Nothing.'] : discarded.map(({ what, why }) => `- ${what}: ${why}`)),
    '',
  ].join('\n')
}
