/** How a server process begins and ends: signals, faults, and what it says of them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'

const lineSchema = z.looseObject({
  level: z.int(),
  time: z.iso.datetime(),
  component: z.literal('faulty'),
  msg: z.string(),
})

interface Run {
  child: ChildProcess
  /** Resolves when it said this, or is no more. */
  says(message: string): Promise<void>
  ended: Promise<{ code: number | null; lines: z.infer<typeof lineSchema>[]; err: string }>
}

function run(env: Record<string, string>): Run {
  const { PATH = '' } = process.env
  const secret = randomBytes(32).toString('hex')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/faulty-server.ts')], {
    env: { PATH, TOKEN_SECRET: secret, INTERNAL_TOKEN: secret, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => (out += String(data)))
  child.stderr.on('data', (data) => (err += String(data)))
  const ended = once(child, 'close').then(() => {
    const lines = out.split('\n').filter((line) => line !== '')
    return { code: child.exitCode, lines: lines.map((line) => lineSchema.parse(JSON.parse(line))), err }
  })
  const says = async (message: string): Promise<void> => {
    while (!out.includes(`"msg":"${message}"`) && !child.stdout.readableEnded)
      await Promise.race([once(child.stdout, 'data'), ended])
  }
  return { child, says, ended }
}

test.each([
  ['thrown', 'a fault that nobody caught'],
  ['rejected', 'a promise that nobody waited for'],
])('N3 N10 what is %s and met by nobody is one fatal line with its stack, and the end', async (FAULT, message) => {
  const { code, lines, err } = await run({ FAULT }).ended
  expect(code).toBe(1)
  const fault = { message: 'planted', stack: expect.stringContaining('faulty-server.ts') }
  expect(lines.slice(1)).toMatchObject([{ level: 60, err: fault, msg: expect.stringContaining(message) }])
  expect(err).toBe('')
})

test('N3 a process that contains what nobody waited for goes on', async () => {
  const { child, says, ended } = run({ FAULT: 'rejected', CONTAINS: 'yes' })
  await says('contained')
  child.kill('SIGTERM')
  const { code, lines } = await ended
  expect(code).toBe(0)
  expect(lines.map(({ msg }) => msg)).toEqual(['listening', 'contained', 'stopping', 'stopped'])
})

test('N3 the first signal stops it in good order, and others change nothing', async () => {
  const { child, says, ended } = run({})
  await says('listening')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) child.kill(signal)
  const { code, lines } = await ended
  expect(code).toBe(0)
  expect(lines.map(({ msg }) => msg)).toEqual(['listening', 'stopping', 'stopped'])
})

test('N3 what does not finish in time ends all the same, and says so', async () => {
  const { child, says, ended } = run({ STOPS: 'never' })
  await says('listening')
  child.kill('SIGTERM')
  const { code, lines } = await ended
  expect(code).toBe(1)
  expect(lines.at(-1)).toMatchObject({ level: 50, msg: 'stopped before everything was finished' })
})

test('N2 N3 what keeps it from starting is one line: in words where it is known, with its stack where it is not', async () => {
  const known = await run({ FAULT: 'start' }).ended
  expect(known).toMatchObject({ code: 1, lines: [{ level: 60, msg: 'PORT is of no use' }] })
  const unknown = await run({ FAULT: 'broken-start' }).ended
  expect(unknown).toMatchObject({ code: 1, lines: [{ level: 60, err: { message: 'planted' } }] })
})
