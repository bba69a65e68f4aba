import { expect, test } from 'vitest'
import { batchSizeOf, checkBatch } from './batch-limits.ts'
import { ProblemError } from './problem-reply.ts'

const limits = { mutations: 3, argumentBytes: 20 }

/** The path of what is over a limit; undefined if nothing is. */
function pathOf(body: unknown): string | undefined {
  try {
    checkBatch(body, limits)
    return undefined
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    expect(error.problem.code).toBe('too-large')
    return error.problem.path
  }
}

test.each([null, 7, 'x', [], {}, { mutations: 7 }, { mutations: null }, { mutations: {} }])(
  'A59 %j is no batch: it counts as one, and the schema says what is wrong',
  (body) => {
    expect([batchSizeOf(body), pathOf(body)]).toEqual([1, undefined])
  },
)

test('A59 what is no mutation passes as well, and costs as much as one', () => {
  const body = { mutations: [null, { args: [] }, { args: 'x'.repeat(100) }] }
  expect([batchSizeOf(body), pathOf(body)]).toEqual([3, undefined])
})

test.each([
  ['content', ['x'.repeat(16)], undefined],
  ['content', ['x'.repeat(17)], 'mutations.1.args.content'],
  ['content', ['漢'.repeat(6)], 'mutations.1.args.content'],
  ['text', 'x'.repeat(19), 'mutations.1.args.text'],
  ['metadata', { a: 'x'.repeat(16) }, 'mutations.1.args.metadata'],
  ['properties', [[[[[[[[[[1]]]]]]]]]], 'mutations.1.args.properties'],
  ['name', 'x'.repeat(100), 'mutations.1.args.name'],
  ['being', { of: 'x'.repeat(100) }, 'mutations.1.args.being'],
  ['of-nobody', 'x'.repeat(100), undefined],
])('A59 the argument %s of %j is over a limit: %s', (name, value, path) => {
  expect(pathOf({ mutations: [{ args: {} }, { args: { [name]: value } }] })).toBe(path)
})

test('A59 the number is looked at before anything in it, however many there are', () => {
  const mutations = Array.from({ length: 1_000_000 }, () => null)
  Object.defineProperty(mutations, 0, {
    get: () => {
      throw new Error('looked at')
    },
  })
  expect(pathOf({ mutations })).toBe('mutations')
})
