import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lastOf, parseDockerfile } from './dockerfile.ts'
import { parseDockerignore } from './dockerignore.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const files = ['api', 'gateway', 'web'].map((name) => `infra/docker/${name}.Dockerfile`)
const ignored = parseDockerignore(read('.dockerignore'))

describe.each(files)('%s', (file) => {
  const stages = parseDockerfile(read(file))
  const image = stages.at(-1)
  if (image === undefined) throw new Error('no stage')

  it('K10 runs as a user by number that is not root, on a base with glibc', () => {
    expect(lastOf(image, 'USER')?.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    for (const stage of stages) {
      expect(stage.base).toMatch(/-bookworm(-slim)?$/)
      expect(stage.base).not.toContain('alpine')
    }
  })

  it('K11 starts its process directly, so that SIGTERM reaches it, and has a health check', () => {
    expect(lastOf(image, 'CMD')?.command.length).toBeGreaterThan(1)
    expect(lastOf(image, 'HEALTHCHECK')?.command.length).toBeGreaterThan(1)
    expect(String(lastOf(image, 'EXPOSE')?.port)).toBe(
      image.instructions.flatMap((each) => (each.instruction === 'ENV' ? [each.values['PORT']] : [])).join(''),
    )
  })

  it('K12 bakes in no secret', () => {
    const values = stages.flatMap((stage) =>
      stage.instructions.flatMap((each) => (each.instruction === 'ENV' ? Object.keys(each.values) : [])),
    )
    expect(values.filter((name) => /SECRET|TOKEN|PASSWORD|DATABASE|REDIS/.test(name))).toEqual([])
  })

  it('K13 copies files that exist and that .dockerignore lets through', () => {
    const sources = stages.flatMap((stage) =>
      stage.instructions.flatMap((each) =>
        each.instruction === 'COPY' && each.from === undefined ? each.sources : [],
      ),
    )
    expect(sources.length).toBeGreaterThan(2)
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true)
      expect(ignored(source.replace(/\/$/, '')), source).toBe(false)
    }
  })

  it('K14 installs what the lockfile says, in the workspace itself', () => {
    const commands = stages.flatMap((stage) =>
      stage.instructions.flatMap((each) => (each.instruction === 'RUN' ? [each.command] : [])),
    )
    expect(
      commands.some((command) => /pnpm install .*--frozen-lockfile --filter "@rhizom\/\w+\.\.\."$/.test(command)),
    ).toBe(true)
    expect(commands.some((command) => command.includes('pnpm deploy'))).toBe(false)
    expect(commands).toContain(`npm install --global pnpm@${/^pnpm=(\S+)/m.exec(read('infra/runtime.sh'))?.[1] ?? '?'}`)
    const node = /^node=(\S+)/m.exec(read('infra/runtime.sh'))?.[1] ?? '?'
    for (const { base } of stages.filter((stage) => stage.base.startsWith('node:'))) {
      expect(base).toBe(`node:${node}-bookworm-slim`)
    }
  })
})

describe('.dockerignore', () => {
  it.each([
    'node_modules',
    'api/node_modules/zod/index.js',
    '.git/config',
    '.local/run.json',
    'infra/docker/secrets.env',
    '.env',
    'api/.env.local',
    'web/dist/index.html',
    'api/src/config.test.ts',
  ])('K13 keeps %s out', (path) => expect(ignored(path)).toBe(true))

  it.each(['api/src/main.ts', 'api/migrations/0000_first.sql', 'pnpm-lock.yaml', 'web/index.html'])(
    'K13 lets %s in',
    (path) => expect(ignored(path)).toBe(false),
  )

  it('K13 an exception lets in again what a line before it kept out', () => {
    const one = parseDockerignore('api\n!api/src')
    expect(['api/x.ts', 'api/src/x.ts', 'web/x.ts'].map(one)).toEqual([true, false, false])
  })
})

describe('the reader of Dockerfiles', () => {
  it('K11 refuses a command in shell form, which would keep SIGTERM from the process', () => {
    expect(() => parseDockerfile('FROM node:22\nCMD node main.ts')).toThrow()
  })

  it('K10 refuses an instruction it does not know', () => {
    expect(() => parseDockerfile('FROM node:22\nADD x /x')).toThrow(/not understood: ADD/)
  })

  it('K10 joins continued lines and skips comments', () => {
    expect(parseDockerfile('# first\nFROM a AS b\nRUN one \\\n  two\n')).toEqual([
      { base: 'a', name: 'b', instructions: [{ instruction: 'RUN', command: 'one two' }] },
    ])
  })
})
