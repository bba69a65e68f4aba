import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findK6, K6_VERSION, readVersion } from './k6.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rhizom-k6-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** A program that says it is some version of k6. */
function program(path: string, says: string): string {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${says}'\n`)
  chmodSync(path, 0o755)
  return path
}
const said: string[] = []
const find = (named?: string, mayBuild = true) =>
  findK6({ named, cacheFolder: join(folder, 'cache'), say: (text) => said.push(text), mayBuild })

describe('finding k6', () => {
  it.each([
    ['k6 v1.8.1 (go1.26.8, linux/amd64)', '1.8.1'],
    ['k6 v2.0.0-rc1 (commit/abc, go1.27, darwin/arm64)', '2.0.0-rc1'],
    ['k6 v0.52.0 (go1.22, linux/amd64)', undefined],
    ['k9s v1.0.0', undefined],
  ])('L8 %s is version %s', (text, version) => expect(readVersion(text)).toBe(version))

  it('L8 the one that K6 names comes first', async () => {
    const named = program(join(folder, 'mine'), 'k6 v1.5.0 (go1.25)')
    expect(await find(named)).toEqual({ ok: true, program: named, version: '1.5.0' })
  })

  it('L8 one that K6 names and that does not run is a problem, not a reason to look elsewhere', async () => {
    expect(await find(join(folder, 'nothing'))).toMatchObject({ ok: false, problem: expect.stringMatching(/K6 names/) })
  })

  it('L8 then one on PATH, then one built before', async () => {
    const built = program(join(folder, 'cache', K6_VERSION, 'k6'), 'k6 v1.8.1 (go1.26)')
    vi.stubEnv('PATH', join(folder, 'bin'))
    expect(await find()).toMatchObject({ ok: true, program: built })
    program(join(folder, 'bin/k6'), 'k6 v1.6.0 (go1.26)')
    vi.stubEnv('PATH', `${join(folder, 'bin')}:/bin:/usr/bin`)
    expect(await find()).toMatchObject({ ok: true, program: 'k6', version: '1.6.0' })
  })

  it('L8 without k6 and without Go the ways to have it are named', async () => {
    vi.stubEnv('PATH', join(folder, 'empty'))
    const found = await find()
    expect(found.ok ? '' : found.problem).toMatch(/K6.*Go|Go[\s\S]*PATH[\s\S]*K6[\s\S]*Go 1/)
  })
})
