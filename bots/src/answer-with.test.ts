import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Intention } from '@rhizom/protocol'
import { APICallError, simulateReadableStream, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Asked, Said } from './answer.ts'
import { answerWith } from './answer-with.ts'
import type { Line } from './core/conversation.ts'
import { modelAt } from './model/openai-compatible.ts'

const intention: Intention = {
  ...{ id: 'q', type: 'utterance', state: 'complete', owner: '@ada', location: '@room', content: [], rev: 1 },
  ...{ createdAt: 1, modifiedAt: 1 },
}
const line = (name: string, text: string, isOwn = false): Line => ({ intention, by: '@ada', name, text, isOwn })

function asked(...lines: Line[]): Asked {
  const request = lines.at(-1) ?? line('Ada', '')
  const epoch = '0193b2a0-0000-7000-8000-000000000001'
  const space = { id: '@room', name: 'Room', visibility: 'public', epoch, version: 1, createdAt: 1 } as const
  return { space, lines, request, reply: intention, attempt: 1, signal: new AbortController().signal }
}

type Reason = 'stop' | 'length' | 'content-filter' | 'interrupted'
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}

const saying = (words: readonly string[], reason: Reason = 'stop') =>
  new MockLanguageModelV4({
    doStream: () =>
      Promise.resolve({
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start' as const, warnings: [] },
            { type: 'text-start' as const, id: '1' },
            ...words.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
            { type: 'text-end' as const, id: '1' },
            { type: 'finish' as const, usage, finishReason: { unified: reason, raw: undefined } },
          ],
        }),
      }),
  })

async function wordsOf(said: Said | Promise<Said>): Promise<string[]> {
  const words: string[] = []
  for await (const word of await said) words.push(word)
  return words
}

test('B15 what the model says comes word by word, from a conversation in which everybody has a name', async () => {
  const model = saying(['A fence ', 'is a version.'])
  const answer = answerWith(model, { instructions: 'Be brief.' })
  const lines = [line('Ada', 'hello'), line('Bot', 'Hi', true), line('Bob', 'what is a fence?')]
  expect(await wordsOf(answer(asked(...lines)))).toEqual(['A fence ', 'is a version.'])
  const prompt = model.doStreamCalls[0]?.prompt ?? []
  expect(prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
  expect(JSON.stringify(prompt.at(-1))).toContain('Bob: what is a fence?')
})

test('B15 the conversation is cut to its budget', async () => {
  const model = saying(['x'])
  const lines = Array.from({ length: 1000 }, (_, n) => line('Ada', `line ${n} ${'x'.repeat(90)}`))
  await wordsOf(answerWith(model, { historyCharacters: 500 })(asked(...lines)))
  expect(model.doStreamCalls[0]?.prompt.length).toBeLessThan(7)
})

test.each<[Reason, RegExp]>([
  ['content-filter', /declined/],
  ['length', /longer than/],
  ['interrupted', /does not answer/],
])('B16 an answer that ends by %s has failed, in words', async (reason, words) => {
  await expect(wordsOf(answerWith(saying(['half'], reason))(asked(line('Ada', 'x'))))).rejects.toThrow(words)
})

const failing = (statusCode: number, times: number) => {
  let calls = 0
  const good = saying(['at last'])
  return new MockLanguageModelV4({
    doStream: (options) => {
      calls += 1
      if (calls > times) return good.doStream(options)
      const url = 'http://model.test'
      throw new APICallError({
        ...{ message: 'detail of the provider', url, requestBodyValues: {}, statusCode },
        ...{ isRetryable: statusCode === 429, responseHeaders: { 'retry-after-ms': '1' } },
      })
    },
  })
}

test('B16 a provider that is busy is asked again, and if it stays so that is said, without its own words', async () => {
  expect(await wordsOf(answerWith(failing(429, 2))(asked(line('Ada', 'x'))))).toEqual(['at last'])
  await expect(wordsOf(answerWith(failing(429, 99), { maxRetries: 1 })(asked(line('Ada', 'x'))))).rejects.toThrow(
    /^The model is busy/,
  )
  await expect(wordsOf(answerWith(failing(401, 99))(asked(line('Ada', 'x'))))).rejects.toThrow(/^The model does not/)
})

test('B21 a model at an address that speaks as OpenAI does is asked with its key, and streams', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.url, request.headers.authorization)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const content of ['Well, ', 'yes.'])
      response.write(
        `data: ${JSON.stringify({ id: '1', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`,
      )
    const end = { id: '1', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
    response.end(`data: ${JSON.stringify(end)}\n\ndata: [DONE]\n\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const model = modelAt({ url: `http://127.0.0.1:${port}/v1`, name: 'm', key: 'k' })
    expect((await wordsOf(answerWith(model)(asked(line('Ada', 'well?'))))).join('')).toBe('Well, yes.')
    expect(seen).toEqual(['/v1/chat/completions', 'Bearer k'])
  } finally {
    server.close()
  }
})

test('B76 a model may use the tools that it is given, so many times, and says what it makes of them', async () => {
  const rolled: number[] = []
  const dice = tool({
    inputSchema: z.object({ sides: z.number() }),
    execute: ({ sides }) => {
      rolled.push(sides)
      return Promise.resolve('It shows four.')
    },
  })
  const answers = saying(['Four.'])
  const model = new MockLanguageModelV4({
    doStream: (call) =>
      JSON.stringify(call.prompt).includes('It shows four.')
        ? answers.doStream(call)
        : Promise.resolve({
            stream: simulateReadableStream({
              chunks: [
                { type: 'stream-start' as const, warnings: [] },
                { type: 'tool-call' as const, toolCallId: '1', toolName: 'dice', input: '{"sides":6}' },
                { type: 'finish' as const, usage, finishReason: { unified: 'tool-calls' as const, raw: undefined } },
              ],
            }),
          }),
  })
  const answer = answerWith(model, { tools: { dice } })
  expect(await wordsOf(answer(asked(line('Ada', 'roll a die'))))).toEqual(['Four.'])
  expect(rolled).toEqual([6])
  // One step is to ask for it; what follows would be another.
  expect(await wordsOf(answerWith(model, { tools: { dice }, maxSteps: 1 })(asked(line('Ada', 'roll'))))).toEqual([])
})
