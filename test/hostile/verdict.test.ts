import { expect, test } from 'vitest'
import { noFindings } from '../faults/verdict.ts'
import { ANSWER_WITHIN_MS, errorLines, GROWTH_ALLOWED_BYTES, problemsOf, type Seen, type SeenNode } from './verdict.ts'

const MEBIBYTE = 1024 * 1024
const node = (changes: Partial<SeenNode> = {}): SeenNode => ({
  name: 'gateway-1',
  before: { process: '7 since 1', residentBytes: 100 * MEBIBYTE },
  firstResidentBytes: 100 * MEBIBYTE,
  after: { process: '7 since 1', residentBytes: 101 * MEBIBYTE },
  logLines: ['{"level":30,"msg":"listening"}'],
  ...changes,
})

const seen = (changes: Partial<Seen> = {}): Seen => ({
  nodes: [node()],
  answers: [{ kind: 'a read', tookMs: 3 }],
  complaints: [],
  findings: noFindings(),
  serverErrors: new Map(),
  claims: [],
  ...changes,
})

const after = (process: string, residentBytes: number): SeenNode => node({ after: { process, residentBytes } })

test('H20 where all is well there is no problem', () => {
  expect(problemsOf(seen())).toEqual([])
})

test('H1 a process that ended, and one that is another, are problems', () => {
  expect(problemsOf(seen({ nodes: [node({ after: undefined })] }))).toEqual(['gateway-1 ended'])
  expect(problemsOf(seen({ nodes: [after('7 since 2', 100 * MEBIBYTE)] }))).toEqual(['gateway-1 is another process'])
})

test('H2 memory that stays is a problem beyond what is allowed', () => {
  const grown = (bytes: number): Seen => seen({ nodes: [after('7 since 1', 100 * MEBIBYTE + bytes)] })
  expect(problemsOf(grown(GROWTH_ALLOWED_BYTES))).toEqual([])
  expect(problemsOf(grown(GROWTH_ALLOWED_BYTES + MEBIBYTE))).toEqual(['gateway-1 keeps 49 MiB more memory than before'])
  expect(problemsOf(grown(GROWTH_ALLOWED_BYTES + MEBIBYTE), { growthBytes: 60 * MEBIBYTE })).toEqual([])
  const little = node({ before: { process: '7 since 1', residentBytes: 99 * MEBIBYTE }, firstResidentBytes: 0 })
  expect(problemsOf(seen({ nodes: [little] }))).toEqual([])
  const after200 = { process: '7 since 1', residentBytes: 200 * MEBIBYTE }
  const drifted = { ...little, before: { process: '7 since 1', residentBytes: 190 * MEBIBYTE }, after: after200 }
  expect(problemsOf(seen({ nodes: [drifted] }))).toEqual(['gateway-1 keeps 200 MiB more memory than at first'])
})

test('H3 who waited too long, was refused, or never asked, is a problem', () => {
  const waited = (tookMs: number): Seen => seen({ answers: [{ kind: 'a read', tookMs }] })
  expect(problemsOf(waited(ANSWER_WITHIN_MS))).toEqual([])
  expect(problemsOf(waited(ANSWER_WITHIN_MS + 1))).toEqual(['the bystander waited 2001 ms for a read'])
  expect(problemsOf(seen({ answers: [] }))).toEqual(['the bystander asked for nothing'])
  expect(problemsOf(seen({ complaints: ['a read: 429'] }))).toEqual(['the bystander: a read: 429'])
})

test('H4 what was lost, given twice or out of order is a problem', () => {
  const findings = { lost: ['a'], duplicated: ['b'], outOfOrder: ['c'] }
  expect(problemsOf(seen({ findings }))).toEqual(['lost: a', 'duplicated: b', 'outOfOrder: c'])
})

test('H5 a 5xx is a problem unless it was asked for, and so is a line at error level or none at all', () => {
  const errors = new Map([['GET /v1/spaces was answered 503', 2]])
  expect(problemsOf(seen({ serverErrors: errors }))).toEqual(['GET /v1/spaces was answered 503, 2 times'])
  expect(problemsOf(seen({ serverErrors: errors }), { statuses: [503] })).toEqual([])
  const last = ['node:internal/x:1', '    throw e', 'RangeError: too deep', '    at f (x.js:1)']
  expect(errorLines(last, [])).toEqual(['RangeError: too deep (and 3 lines like a stack)'])
  const lines = ['{"level":40,"msg":"warned"}', '{"level":50,"msg":"planned"}', '{"level":60,"msg":"fatal"}']
  expect(errorLines(lines, [/planned/])).toEqual(['{"level":60,"msg":"fatal"}'])
})
