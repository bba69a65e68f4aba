/** The newcomer's minute: the guide is asked in the lobby, killed in mid-sentence, and its answer goes on. */
import { type Intention, postMutationsAnswerSchema, postSessionAnswerSchema, snapshotSchema } from '@rhizom/protocol'
import { afterAll, expect, test } from 'vitest'
import { readRunFile, type Run } from './run-file.ts'
import { localStart } from './testing/local-start.ts'
import { until } from './until.ts'

const { runFile, start, up, clear } = localStart()
const soon = { withinMs: 60_000, everyMs: 50 }

afterAll(clear)

async function ask(url: string, token: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return response.json()
}

async function repliesOf(run: Run, token: string): Promise<Intention[]> {
  const snapshot = snapshotSchema.parse(await ask(`${run.api[0]}/v1/spaces/@lobby`, token))
  return snapshot.intentions.filter(({ owner }) => owner === '@guide')
}

const textOf = ({ content }: Pick<Intention, 'content'>): string =>
  content.filter((node) => typeof node === 'string').join('')

test('B19 the guide answers in the lobby, and killed in mid-sentence its answer goes on, once and whole', async () => {
  const run = await up(start())
  const url = run.api[0] ?? ''
  const { token, being } = postSessionAnswerSchema.parse(await ask(`${url}/v1/sessions`, '', { name: 'Ada' }))
  const id = (n: number): string => `01930000-0000-7000-8000-0000000ab00${n}`
  const content = ['@guide what happens when a gateway dies?']
  const mutations = [
    { id: id(1), space: '@lobby', name: 'being.move', args: { id: being.id } },
    { id: id(2), space: '@lobby', name: 'intention.create', args: { id: id(3), type: 'utterance', content } },
  ]
  const { results } = postMutationsAnswerSchema.parse(await ask(`${url}/v1/mutations`, token, { mutations }))
  expect(results.map(({ status }) => status)).toEqual(['applied', 'applied'])

  let replies: Intention[] = []
  const hasReplies = (are: (reply: Intention) => boolean) => async (): Promise<boolean> => {
    replies = await repliesOf(run, token)
    return replies.length > 0 && replies.every(are)
  }
  expect(
    await until(
      hasReplies((reply) => textOf(reply).length > 40),
      soon,
    ),
  ).toBe(true)
  const victim = readRunFile(runFile)?.processes['guide'] ?? 0
  process.kill(victim, 'SIGKILL')
  expect(
    await until(
      hasReplies(({ attempt }) => attempt === 2),
      soon,
    ),
  ).toBe(true)
  expect(
    await until(
      hasReplies(({ state }) => state === 'complete'),
      soon,
    ),
  ).toBe(true)
  expect(replies).toHaveLength(1)
  expect(replies.map(textOf)[0]).toMatch(/^\(Attempt 2[^]+\) From [^]+See also [^]+\.$/)
  expect(readRunFile(runFile)?.processes['guide']).not.toBe(victim)
})
