/** infra/runtime.sh with an npx that fetches nothing: what it hands on is what counts here. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from './places.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom runtime '))
const runtime = join(repository, 'infra', 'runtime.sh')

function program(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, 0o755)
  return file
}

beforeAll(() => {
  program('npx', '#!/bin/sh\nwhile [ "$1" != -c ]; do shift; done\nexec sh -c "$2"\n')
  program('pnpm', '#!/bin/sh\nexit 0\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const environment = { ...process.env, PATH: `${folder}:${dirname(process.execPath)}:${process.env['PATH']}` }

test('I1 arguments arrive as they were given', () => {
  const entry = program('entry.mjs', 'console.log(JSON.stringify(process.argv.slice(2)))\n')
  const given = ['--fresh', 'two words', "it's", 'a "quote"', '$HOME `id`', '', 'back\\slash', '*']
  const { stdout, stderr } = spawnSync('sh', [runtime, entry, ...given], {
    cwd: repository,
    env: environment,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(given)
})

test('I2 a signal reaches the program, and its exit code is that of the command', async () => {
  const entry = program(
    'wait.mjs',
    "process.on('SIGTERM', () => process.exit(7))\nsetInterval(() => {}, 1000)\nconsole.log(process.pid)\n",
  )
  const command = spawn('sh', [runtime, entry], {
    cwd: repository,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) => command.stdout.once('data', (data) => resolve(Number(data))))
  expect(pid).toBe(command.pid)
  const code = new Promise<number | null>((resolve) => command.once('exit', resolve))
  command.kill('SIGTERM')
  expect(await code).toBe(7)
})
