/**
 * The verdict over an attack, the same for every one: each process is the one it was, its memory is back where it was,
 * a bystander was answered within a bound all the while, nothing acknowledged was lost, nobody got a 5xx, and nothing
 * was logged as an error. Pure: what was seen is gathered by stage.ts.
 */
import { type Findings, isClean } from '../faults/verdict.ts'

/** Only a real hold-up takes longer, on whatever machine: what this process was late itself is not counted. */
export const ANSWER_WITHIN_MS = 2_000
/** What one attack may leave in a node after its garbage is collected: buffers that the allocator keeps, warm code. */
export const GROWTH_ALLOWED_BYTES = 48 * 1024 * 1024
/** What all of them together may leave. */
export const DRIFT_ALLOWED_BYTES = 144 * 1024 * 1024

const ERROR_LEVEL = 50
const SHOWN = 5

export interface SeenNode {
  name: string
  /** Tells one process from any other. */
  before: { process: string; residentBytes: number }
  /** Memory of the same process before the first attack that it saw. */
  firstResidentBytes: number
  /** Undefined if it is gone. */
  after: { process: string; residentBytes: number } | undefined
  logLines: readonly string[]
}

/** One thing the bystander asked for, without the time in which this process was held up itself. */
export interface Answer {
  kind: string
  tookMs: number
}

export interface Seen {
  nodes: readonly SeenNode[]
  answers: readonly Answer[]
  /** What else went wrong for the bystander: no answer, the wrong one, a lost connection. */
  complaints: readonly string[]
  /** Its writes, and what its watchers were given, against the log. */
  findings: Findings
  /** Answers of 5xx, by what was asked. */
  serverErrors: ReadonlyMap<string, number>
  /** What the attack itself saw that should not be. */
  claims: readonly string[]
}

export interface Allowed {
  /** Statuses that the attack asks for. */
  statuses?: readonly number[]
  /** Lines at error level that it provokes. */
  logs?: readonly RegExp[]
  growthBytes?: number
}

export function problemsOf(seen: Seen, allowed: Allowed = {}): string[] {
  return [
    ...seen.nodes.flatMap((node) => problemsOfNode(node, allowed)),
    ...problemsOfAnswers(seen.answers),
    ...shortened(seen.complaints.map((complaint) => `the bystander: ${complaint}`)),
    ...problemsOfFindings(seen.findings),
    ...problemsOfStatuses(seen.serverErrors, allowed.statuses ?? []),
    ...shortened(seen.claims),
  ]
}

function problemsOfNode(node: SeenNode, allowed: Allowed): string[] {
  const { name, before, after, firstResidentBytes, logLines } = node
  const logged = shortened(errorLines(logLines, allowed.logs ?? []).map((line) => `${name} logged ${line}`))
  if (after === undefined) return [`${name} ended`, ...logged]
  if (after.process !== before.process) return [`${name} is another process`, ...logged]
  const growth = after.residentBytes - before.residentBytes
  const grown = growth > (allowed.growthBytes ?? GROWTH_ALLOWED_BYTES)
  const drift = after.residentBytes - firstResidentBytes
  const drifted = drift > DRIFT_ALLOWED_BYTES + (allowed.growthBytes ?? 0)
  return [
    ...(grown ? [`${name} keeps ${mebibytes(growth)} more memory than before`] : []),
    ...(drifted ? [`${name} keeps ${mebibytes(drift)} more memory than at first`] : []),
    ...logged,
  ]
}

/** Lines at error level, and what is no log line at all: the last words of a process that dies, told as one. */
export function errorLines(lines: readonly string[], expected: readonly RegExp[]): string[] {
  const unexpected = lines.filter((line) => !expected.some((pattern) => pattern.test(line)))
  const words = unexpected.filter((line) => levelOf(line) === undefined)
  const said = words.find((line) => /^\S*(?:Error|Exception)\b/.test(line)) ?? words[0]
  return [
    ...(said === undefined ? [] : [`${said} (and ${words.length - 1} lines like a stack)`]),
    ...unexpected.filter((line) => (levelOf(line) ?? 0) >= ERROR_LEVEL),
  ]
}

function levelOf(line: string): number | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    const isLine = typeof parsed === 'object' && parsed !== null && 'level' in parsed
    return isLine && typeof parsed.level === 'number' ? parsed.level : undefined
  } catch {
    return undefined
  }
}

function problemsOfAnswers(answers: readonly Answer[]): string[] {
  if (answers.length === 0) return ['the bystander asked for nothing']
  return [...kindsOf(answers)].flatMap(([kind, times]) => {
    const worst = Math.max(...times)
    return worst > ANSWER_WITHIN_MS ? [`the bystander waited ${Math.round(worst)} ms for ${kind}`] : []
  })
}

export function kindsOf(answers: readonly Answer[]): Map<string, number[]> {
  const kinds = new Map<string, number[]>()
  for (const { kind, tookMs } of answers) kinds.set(kind, [...(kinds.get(kind) ?? []), tookMs])
  return kinds
}

function problemsOfFindings(findings: Findings): string[] {
  if (isClean(findings)) return []
  const kinds = ['lost', 'duplicated', 'outOfOrder'] as const
  return kinds.flatMap((kind) => shortened(findings[kind].map((what) => `${kind}: ${what}`)))
}

function problemsOfStatuses(errors: ReadonlyMap<string, number>, allowed: readonly number[]): string[] {
  return [...errors].flatMap(([what, count]) =>
    allowed.some((status) => what.endsWith(` ${status}`)) ? [] : [`${what}, ${count} times`],
  )
}

function shortened(problems: readonly string[]): string[] {
  const more = problems.length - SHOWN
  const lines = problems.slice(0, SHOWN).map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line))
  return more > 0 ? [...lines, `… and ${more} more like it`] : lines
}

export const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`
