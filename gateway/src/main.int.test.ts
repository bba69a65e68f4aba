/** The process: settings, readiness and signals. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { LogServer, TEST_INTERNAL_TOKEN, utterance } from './testing/log-server.ts'
import { TEST_SECRET, liveClient } from './testing/test-client.ts'
import { redisUrl } from './testing/test-gateway.ts'

const children: ChildProcess[] = []
let server: LogServer | undefined

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await server?.stop()
  server = undefined
})

interface Run {
  child: ChildProcess
  url: Promise<string>
  ended: Promise<{ code: number | null; output: string }>
}

function run(env: Record<string, string>): Run {
  const { PATH } = process.env
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [main], {
    env: { ...(PATH === undefined ? {} : { PATH }), ...nodeStart(), ...env },
  })
  children.push(child)
  let output = ''
  const url = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        output += data.toString()
        const found = /"url":"([^"]+)"/.exec(output)?.[1]
        if (found !== undefined) resolve(found)
      })
  })
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }))
  })
  return { child, url, ended }
}

describe('the process', () => {
  test('G70 a bad setting ends it with a message that names the variable', async () => {
    const secret = 'not a url but a secret'
    const { code, output } = await run({ REDIS_URL: secret }).ended
    expect(code).toBe(1)
    expect(output).toContain('REDIS_URL')
    expect(output).not.toContain(secret)
  })

  test('G70 a weak secret ends it with one line that names it, unless weak ones are allowed', async () => {
    server = await new LogServer().start()
    const value = 'change-me-change-me-change-me-change-me'
    const env = {
      PORT: '0',
      REDIS_URL: redisUrl(),
      API_URL: server.url,
      TOKEN_SECRET: value,
      INTERNAL_TOKEN: TEST_INTERNAL_TOKEN,
    }
    const { code, output } = await run(env).ended
    expect(code).toBe(1)
    expect(output).toMatch(/^TOKEN_SECRET .+\n$/)
    expect(output).not.toContain(value)
    const allowed = run({ ...env, ALLOW_WEAK_SECRETS: '1' })
    await allowed.url
    allowed.child.kill('SIGTERM')
    const ended = await allowed.ended
    expect(ended.code).toBe(0)
    expect(ended.output.match(/can be guessed/g)).toHaveLength(1)
    expect(ended.output).not.toContain(value)
  })

  test('G60 each of SIGTERM and SIGINT lets clients go and ends it with 0, also when they come together', async () => {
    server = await new LogServer().start()
    const env = {
      PORT: '0',
      REDIS_URL: redisUrl(),
      API_URL: server.url,
      TOKEN_SECRET: TEST_SECRET,
      INTERNAL_TOKEN: TEST_INTERNAL_TOKEN,
    }
    const space = server.space()
    space.commit(utterance(space.id, 'a'))
    for (const signals of [['SIGTERM'], ['SIGINT', 'SIGINT', 'SIGTERM']] as const) {
      const { child, url, ended } = run(env)
      const client = await liveClient(await url, '@ada')
      await client.subscribed(space.id)
      for (const signal of signals) child.kill(signal)
      await client.next('goodbye')
      expect((await client.hasClosed()).code).toBe(4000)
      expect((await ended).code).toBe(0)
    }
  })
})
