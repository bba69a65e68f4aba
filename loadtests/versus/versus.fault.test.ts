import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'rhizom-versus-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const reportSchema = z.object({
  discarded: z.array(z.object({ what: z.string(), why: z.string() })),
  rows: z.array(
    z.looseObject({
      profile: z.string(),
      peer: z.string(),
      lost: z.number().optional(),
      twice: z.number().optional(),
      outOfOrder: z.number().optional(),
      microseconds: z.number().optional(),
      bytesEach: z.number().optional(),
    }),
  ),
})

/** Processor time and memory of another process are read from /proc; where it is not, nothing can be compared. */
describe.skipIf(process.platform !== 'linux')('rhizom beside bare uWebSockets.js, quickly', () => {
  let report: z.infer<typeof reportSchema>
  let output = ''
  let code: unknown
  beforeAll(async () => {
    // The profile that holds the most of all: writers, clients that are cut off, and what each was told.
    const only = ['--profile', 'jitter', '--only', 'rhizom,bare u', '--clients', '10']
    const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), '--quick', ...only], {
      env: { ...process.env, RHIZOM_VERSUS_DIR: folder },
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
    ;[code] = await once(child, 'close')
    if (code === 0) report = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'versus.json'), 'utf8')))
  })

  it('L28 measures both, or says why not', () => {
    expect(code, output).toBe(0)
    for (const peer of ['rhizom', 'bare uWebSockets.js']) {
      const of = report.rows.filter((row) => row.peer === peer).map(({ profile }) => profile)
      const without = report.discarded.filter(({ what }) => what.startsWith(peer))
      // A peer may not be had here; the tree is.
      expect(of.length === 1 || (peer !== 'rhizom' && without.length > 0), output).toBe(true)
    }
  })

  it('L28 finds rhizom to lose, double and disorder nothing, also for those who are cut off', () => {
    for (const row of report.rows.filter(({ peer }) => peer === 'rhizom'))
      expect(row).toMatchObject({ lost: 0, twice: 0, outOfOrder: 0 })
  })

  it('L28 finds that who keeps nothing loses what came while a client was away', () => {
    const bare = report.rows.find(({ peer, profile }) => peer !== 'rhizom' && profile === 'jitter')
    if (bare !== undefined) expect(bare.lost).toBeGreaterThan(0)
    expect(readFileSync(join(folder, 'versus.svg'), 'utf8')).toContain('</svg>')
    expect(readFileSync(join(folder, 'versus.md'), 'utf8')).toContain('cut every')
  })

  it('L28 refuses what it does not know', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), '--only', 'nobody'])
    expect(status).toBe(2)
    expect(stderr.toString()).toContain('nobody')
  })
})
