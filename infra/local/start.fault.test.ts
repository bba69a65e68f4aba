/**
 * The whole local system, started as people start it, in a folder and on ports of its own: the guide is asked, parts
 * are killed, the launcher is stopped and killed, npm is killed. The tests build on each other and run in this order.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Intention,
  postMutationsAnswerSchema,
  type PostSessionAnswer,
  postSessionAnswerSchema,
  snapshotSchema,
} from '@rhizom/protocol'
import { afterAll, expect, test } from 'vitest'
import { lookUpProcess } from './process-facts.ts'
import { readRunFile, type Run } from './run-file.ts'
import { seed } from './seed.ts'
import { type Launcher, localStart } from './testing/local-start.ts'
import { until } from './until.ts'

const { folder, runFile, launch, start: startScript, up, clear } = localStart()
/** Far more than anything takes, also on a machine that is busy with something else. */
const soon = { withinMs: 100_000 }

const runs = (pid: number): boolean => lookUpProcess(pid) !== undefined
const everyPid = (run: Run): number[] => [run.launcher, ...Object.values(run.processes)]
const allGone = (pids: number[]): Promise<boolean> => until(() => !pids.some(runs), soon)

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  return response.ok
}

function everythingAnswers(run: Run): Promise<boolean> {
  const urls = [run.web, ...run.internal.map((url) => `${url}/readyz`)]
  return until(async () => (await Promise.all(urls.map(answers))).every(Boolean), soon)
}

async function call(url: string, token: string, body?: unknown): Promise<Response> {
  return fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

async function visit(run: Run): Promise<PostSessionAnswer> {
  const response = await call(`${run.api[0]}/v1/sessions`, '', { name: 'Ada' })
  return postSessionAnswerSchema.parse(await response.json())
}

const signIn = async (run: Run): Promise<string> => (await visit(run)).token

async function applied(run: Run, token: string, mutations: readonly object[]): Promise<void> {
  const response = await call(`${run.api[0]}/v1/mutations`, token, { mutations })
  const { results } = postMutationsAnswerSchema.parse(await response.json())
  expect(results.map(({ status }) => status)).toEqual(mutations.map(() => 'applied'))
}

async function intentions(run: Run, space: string, token: string): Promise<Intention[]> {
  const response = await call(`${run.api[0]}/v1/spaces/${space}`, token)
  return snapshotSchema.parse(await response.json()).intentions
}

const utterances = async (run: Run, space: string, token: string): Promise<string[]> =>
  (await intentions(run, space, token)).map(({ content }) => JSON.stringify(content))

const textOf = ({ content }: Pick<Intention, 'content'>): string =>
  content.filter((node) => typeof node === 'string').join('')

let current: Launcher
let token = ''
const WORDS = 'it survives'

afterAll(clear)

test('I24 I60 run.json names everything once it is ready, for its owner only', async () => {
  current = startScript()
  const run = await up(current)
  expect(run.launcher).toBe(current.process.pid)
  expect(Object.keys(run.processes).toSorted()).toEqual([
    'api-1',
    'gateway-1',
    'gateway-2',
    'guide',
    'postgres',
    'redis',
    'web',
  ])
  expect(run.api).toHaveLength(1)
  expect(run.gateways).toHaveLength(2)
  expect(run.internal.map((url) => new URL(url).hostname)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
  expect(Object.values(run.processes).every(runs)).toBe(true)
  expect(await everythingAnswers(run)).toBe(true)
  expect(await (await fetch(run.web)).text()).toContain('/assets/')
  expect(statSync(runFile).mode & 0o777).toBe(0o600)
  expect(await until(() => current.said().includes(run.web), soon)).toBe(true)
  const password = new URL(run.databaseUrl).password
  expect(current.said()).not.toContain(password)
})

test('I23 the lobby is alive, and is seeded once, also when the first attempt was forgotten', async () => {
  const run = await up(current)
  token = await signIn(run)
  const before = await utterances(run, '@lobby', token)
  expect(before.length).toBeGreaterThanOrEqual(3)
  const options = { api: run.api[0] ?? '', databaseUrl: run.databaseUrl }
  expect(await seed({ ...options, file: join(folder, 'seed.json') })).toBe('done before')
  expect(await seed({ ...options, file: join(folder, 'another-memory.json') })).toBe('done before')
  expect(await utterances(run, '@lobby', token)).toEqual(before)
})

test('B19 the guide answers in the lobby, and killed in mid-sentence its answer goes on, once and whole', async () => {
  const run = await up(current)
  const { token: asking, being } = await visit(run)
  const id = (n: number): string => `01930000-0000-7000-8000-0000000ab00${n}`
  const content = ['@guide what happens when a gateway dies?']
  await applied(run, asking, [
    { id: id(1), space: '@lobby', name: 'being.move', args: { id: being.id } },
    { id: id(2), space: '@lobby', name: 'intention.create', args: { id: id(3), type: 'utterance', content } },
  ])
  let replies: Intention[] = []
  const untilReplies = (are: (reply: Intention) => boolean): Promise<boolean> =>
    until(
      async () => {
        replies = (await intentions(run, '@lobby', asking)).filter(({ owner }) => owner === '@guide')
        return replies.length > 0 && replies.every(are)
      },
      { ...soon, everyMs: 50 },
    )
  expect(await untilReplies((reply) => textOf(reply).length > 40)).toBe(true)
  const victim = readRunFile(runFile)?.processes['guide'] ?? 0
  process.kill(victim, 'SIGKILL')
  expect(await untilReplies(({ attempt }) => attempt === 2)).toBe(true)
  expect(await untilReplies(({ state }) => state === 'complete')).toBe(true)
  expect(replies).toHaveLength(1)
  expect(replies.map(textOf)[0]).toMatch(/^\(Attempt 2[^]+\) From [^]+See also [^]+\.$/)
  expect(readRunFile(runFile)?.processes['guide']).not.toBe(victim)
})

test.each(['gateway-1', 'web', 'api-1', 'redis', 'postgres'])(
  'I20 I24 %s is killed and comes back on its port',
  async (name) => {
    const before = await up(current)
    const victim = before.processes[name] ?? 0
    process.kill(victim, 'SIGKILL')
    expect(await until(() => ![undefined, victim].includes(readRunFile(runFile)?.processes[name]), soon)).toBe(true)
    const after = await up(current)
    expect(await everythingAnswers(after)).toBe(true)
    expect({ ...after, processes: {} }).toEqual({ ...before, processes: {} })
    expect(Object.keys(after.processes).toSorted()).toEqual(Object.keys(before.processes).toSorted())
    expect(await until(() => current.said().includes(`${name} died (SIGKILL)`), soon)).toBe(true)
  },
)

test('I25 a second start is refused with the address of the first', async () => {
  const run = await up(current)
  const second = startScript()
  expect(await second.ended).toBe(1)
  expect(second.said()).toContain(run.web)
  expect(second.said()).toContain(String(run.launcher))
  expect(await everythingAnswers(run)).toBe(true)
  expect(readRunFile(runFile)).toEqual(run)
})

test('I26 SIGTERM stops everything, and data and sessions are there at the next start', async () => {
  const run = await up(current)
  const id = '01930000-0000-7000-8000-00000000abcd'
  const said = { id, type: 'utterance', content: [WORDS] }
  await applied(run, token, [
    { id, space: '@room', name: 'space.create', args: { name: 'Room' } },
    { id: id.replace('abcd', 'abce'), space: '@room', name: 'intention.create', args: said },
  ])

  // As npm does, which passes a signal on more than once.
  for (let times = 0; times < 3; times += 1) current.process.kill('SIGTERM')
  expect(await current.ended).toBe(0)
  expect(everyPid(run).filter(runs)).toEqual([])
  expect(existsSync(runFile)).toBe(false)

  current = launch('npm', 'start')
  expect(await utterances(await up(current), '@room', token)).toEqual([JSON.stringify([WORDS])])
})

/** Through npm all is started and ended as by itself: what ends npm ends everything. */
async function expectEndWithNpm(signal: NodeJS.Signals): Promise<void> {
  const run = await up(current)
  expect(run.launcher).not.toBe(current.process.pid)
  current.process.kill(signal)
  expect(await allGone(everyPid(run))).toBe(true)
  expect(await until(() => !existsSync(runFile), soon)).toBe(true)
}

test('I2 I7 I27 SIGKILL of npm leaves no process behind', () => expectEndWithNpm('SIGKILL'))

test('I27 a SIGKILL of the launcher leaves no process behind, and the next start finds the data', async () => {
  current = startScript()
  const run = await up(current)
  current.process.kill('SIGKILL')
  expect(await allGone(everyPid(run))).toBe(true)
  current = launch('npm', 'start')
  expect(await until(() => ![undefined, run.launcher].includes(readRunFile(runFile)?.launcher), soon)).toBe(true)
  expect(await utterances(await up(current), '@room', token)).toEqual([JSON.stringify([WORDS])])
})

test('I2 I7 I27 SIGTERM of npm leaves no process behind', () => expectEndWithNpm('SIGTERM'))

test('I26 I37 --fresh forgets data and secrets; with --dev the page comes from its sources, and everything else is as ever', async () => {
  current = startScript('--fresh', '--dev')
  const run = await up(current)
  expect((await call(`${run.api[0]}/v1/spaces/@lobby`, token)).status).toBe(401)
  const anew = await signIn(run)
  expect((await call(`${run.api[0]}/v1/spaces/@room`, anew)).status).toBe(404)
  expect((await utterances(run, '@lobby', anew)).length).toBeGreaterThanOrEqual(3)
  expect(await everythingAnswers(run)).toBe(true)
  expect(await (await fetch(run.web)).text()).toContain('/src/main.tsx')
  expect((await fetch(`${run.web}/src/main.tsx`)).headers.get('content-type')).toBe('text/javascript')
  expect((await fetch(`${run.web}/v1/spaces`)).status).toBe(401)
  expect((await fetch(`${run.web}/__open-in-editor?file=x`)).status).toBe(404)
  current.process.kill('SIGINT')
  expect(await current.ended).toBe(0)
})

test('I34 whatever was made meanwhile is for its owner only', () => {
  const files = [folder, ...filesUnder(folder)]
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([])
})

const filesUnder = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true }).map(({ parentPath, name }) => join(parentPath, name))
