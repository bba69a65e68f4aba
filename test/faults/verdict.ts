/**
 * Judges what one client was given against the log: pure comparison, no network. The log is read over HTTP by
 * space-log.ts, what a client was given is written down by space-witness.ts.
 */

/** Something at a version: which change it was, told by a print of its whole content. */
export interface Seen {
  version: number
  print: string
}

export interface Findings {
  lost: string[]
  duplicated: string[]
  /** Given in another order, under another version, or with another content than the log has. */
  outOfOrder: string[]
}

export const noFindings = (): Findings => ({ lost: [], duplicated: [], outOfOrder: [] })

export const isClean = (findings: Findings): boolean =>
  findings.lost.length + findings.duplicated.length + findings.outOfOrder.length === 0

export function addFindings(to: Findings, more: Findings, who: string): void {
  for (const kind of ['lost', 'duplicated', 'outOfOrder'] as const)
    to[kind].push(...more[kind].map((what) => `${who}: ${what}`))
}

/** Compares the changes a client applied one after the other with those the log holds for the same stretch. */
export function compareRun(expected: readonly Seen[], given: readonly Seen[]): Findings {
  const findings = noFindings()
  const counted = new Map<string, number>()
  for (const { print } of given) counted.set(print, (counted.get(print) ?? 0) + 1)
  for (const { version, print } of expected)
    if (!counted.has(print)) findings.lost.push(`${version} (${shortened(print)})`)
  for (const [print, count] of counted)
    for (let extra = 1; extra < count; extra += 1) findings.duplicated.push(shortened(print))
  const versionOf = new Map(expected.map(({ version, print }) => [print, version]))
  let last = Number.NEGATIVE_INFINITY
  for (const { version, print } of given) {
    const right = versionOf.get(print)
    if (right === undefined) findings.outOfOrder.push(`${version} is not in the log (${shortened(print)})`)
    else if (right !== version) findings.outOfOrder.push(`${right} was given as ${version}`)
    else if (version < last) findings.outOfOrder.push(`${version} came after ${last}`)
    last = version
  }
  return findings
}

const shortened = (print: string): string => (print.length > 80 ? `${print.slice(0, 80)}…` : print)
