/**
 * One launcher at a time per local folder. The lock is a file that names its holder by pid and start time: a holder
 * that was killed leaves it behind, and the next start sees that nobody holds it.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { lookUpProcess, type LookUpProcess, stillRuns } from './process-facts.ts'

const holderSchema = z.object({ pid: z.int(), startedAt: z.string() })
type Holder = z.infer<typeof holderSchema>

export type Lock = { held: true; release(): void } | { held: false; holder: number }

const ATTEMPTS = 5

export function takeLock(file: string, pid: number = process.pid, lookUp: LookUpProcess = lookUpProcess): Lock {
  const mine = `${file}.${pid}`
  const content = JSON.stringify({ pid, startedAt: lookUp(pid)?.startedAt ?? '' } satisfies Holder)
  writeFileSync(mine, content, { mode: 0o600 })
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (linked(mine, file)) return { held: true, release: () => release(file, content) }
      const found = readIfThere(file)
      const holder = holderOf(found)
      if (holder !== undefined && stillRuns(holder, lookUp)) return { held: false, holder: holder.pid }
      if (found !== undefined) setAside(file, `${mine}.stale`, found)
    }
    throw new Error(`${file} cannot be taken; remove it if nothing runs`)
  } finally {
    rmSync(mine, { force: true })
  }
}

/** A link appears with its content at once, and only where nothing is yet. */
function linked(source: string, target: string): boolean {
  try {
    linkSync(source, target)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Two may find the same stale lock: who then moves away the fresh lock of the other puts it back. */
function setAside(file: string, aside: string, expected: string): void {
  try {
    renameSync(file, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readIfThere(aside) !== expected) linked(aside, file)
  rmSync(aside, { force: true })
}

function release(file: string, content: string): void {
  if (readIfThere(file) === content) rmSync(file, { force: true })
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function holderOf(content: string | undefined): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content ?? ''))
  } catch {
    return undefined
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
