import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { expect, test } from 'vitest'
import { GATHERING } from './core/gathering.ts'
import { say } from './say.ts'

/** Keeps what is written; each append waits until it is let go. */
function slowWriter() {
  const appends: string[] = []
  const gates: (() => void)[] = []
  return {
    appends,
    release: (): void => gates.shift()?.(),
    append: (text: string): Promise<void> => {
      appends.push(text)
      return new Promise((resolve) => gates.push(resolve))
    },
    complete: (text: string): Promise<void> => {
      appends.push(`${text}.`)
      return Promise.resolve()
    },
  }
}

const times = () => GATHERING
const begun = (): void => undefined

test('B5 whoever reads the answer never waits for an append: what came meanwhile is the next one', async () => {
  const writer = slowWriter()
  const read: string[] = []
  async function* answer() {
    for (const word of ['one ', 'two ', 'three ']) {
      read.push(word)
      yield word
      await Promise.resolve()
    }
  }
  const said = say(answer(), { writer, times, signal: new AbortController().signal, begun })
  await eventually('all is read', () => read.length === 3 && writer.appends.length === 1)
  writer.release()
  await said
  expect(writer.appends.join('')).toBe('one two three .')
  expect(writer.appends[0]).toMatch(/^one /)
})

test('B1 the interval begins anew when the append before is there, however long that took', async () => {
  const writer = slowWriter()
  const intervalMs = 200
  const held = Promise.withResolvers<void>()
  async function* answer() {
    yield 'one '
    await held.promise
    yield 'two '
    await new Promise(() => undefined)
  }
  const stop = new AbortController()
  const gathering = () => ({ intervalMs, enough: 1 })
  const said = say(answer(), { writer, times: gathering, signal: stop.signal, begun }).catch(String)
  await eventually('the first append', () => writer.appends.length === 1)
  const takenAtMs = performance.now()
  held.resolve()
  await eventually('the interval has passed', () => performance.now() > takenAtMs + intervalMs)
  const thereAtMs = performance.now()
  writer.release()
  await eventually('the second append', () => writer.appends.length === 2)
  // A timer may be a little early.
  expect(performance.now() - thereAtMs).toBeGreaterThan(intervalMs * 0.9)
  stop.abort(new Error('over'))
  writer.release()
  expect(await said).toContain('over')
})

test('B5 an answer that is one text is complete in one write, and an empty one is too', async () => {
  for (const text of ['Yes', '']) {
    const writer = slowWriter()
    await say(text, { writer, times, signal: new AbortController().signal, begun })
    expect(writer.appends).toEqual([`${text}.`])
  }
})

test('B6 what an answer throws comes out, and nothing is completed', async () => {
  const writer = slowWriter()
  // oxlint-disable-next-line require-yield -- it fails before its first word
  async function* answer(): AsyncGenerator<string> {
    await Promise.resolve()
    throw new Error('no')
  }
  await expect(say(answer(), { writer, times, signal: new AbortController().signal, begun })).rejects.toThrow('no')
  expect(writer.appends).toEqual([])
})

test('B6 an answer that never says anything again is left at once when the signal says stop', async () => {
  const writer = slowWriter()
  const stop = new AbortController()
  let isClosed = false
  const never: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        isClosed = true
        return Promise.resolve({ done: true, value: undefined })
      },
    }),
  }
  const said = say(never, { writer, times, signal: stop.signal, begun })
  stop.abort(new Error('stopped'))
  await expect(said).rejects.toThrow('stopped')
  expect([isClosed, writer.appends]).toEqual([true, []])
})

test('B6 an answer without end is given up, and not held in memory', async () => {
  const writer = slowWriter()
  async function* endless() {
    for (;;) {
      yield 'x'.repeat(65_536)
      await Promise.resolve()
    }
  }
  const said = say(endless(), { writer, times, signal: new AbortController().signal, begun }).catch(String)
  await eventually('the first append', () => writer.appends.length > 0)
  writer.release()
  expect(await said).toContain('far more was said')
  expect(writer.appends.length).toBeLessThan(10)
})

test('B71 however long an answer is, its waits leave nothing behind', async () => {
  const { signal } = new AbortController()
  let most = 0
  async function* answer() {
    for (let nth = 0; nth < 500; nth += 1) {
      await turn()
      most = Math.max(most, getEventListeners(signal, 'abort').length)
      yield 'word '
    }
  }
  const written: string[] = []
  const write = (text: string): Promise<void> => {
    written.push(text)
    return Promise.resolve()
  }
  const eager = () => ({ intervalMs: 0, enough: 1 })
  await say(answer(), { writer: { append: write, complete: write }, times: eager, signal, begun })
  expect(written.join('')).toBe('word '.repeat(500))
  expect(written.length).toBeGreaterThan(100)
  expect(most).toBeLessThanOrEqual(2)
})
