/**
 * run.json: what runs where, for whoever wants to talk to the running system. It holds the address of the database
 * with its password, so only its owner may read it. Written whole or not at all.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

export const runSchema = z.object({
  web: z.url(),
  api: z.array(z.url()),
  gateways: z.array(z.url()),
  /** Where api nodes and gateways say how they are, in this order. */
  internal: z.array(z.url()),
  databaseUrl: z.string(),
  redisUrl: z.string(),
  /** The parts by name. A Postgres or Redis that was given from outside is not among them. */
  processes: z.record(z.string(), z.int()),
  /** The process that started them and starts them again. */
  launcher: z.int(),
})
export type Run = z.infer<typeof runSchema>

export function writeRunFile(file: string, run: Run): void {
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
  renameSync(unfinished, file)
}

/** Undefined where nothing runs, or what is there is not a run file. */
export function readRunFile(file: string): Run | undefined {
  try {
    return runSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

export const removeRunFile = (file: string): void => rmSync(file, { force: true })
