/**
 * Turns the settings table of a process (api/src/config.ts, gateway/src/config.ts) into what the checkers ask for.
 * The tables themselves are imported by tests alone: what is deployed must not depend on the product's code.
 */
import type { ProcessSettings } from './workload-check.ts'

/** One row of a table, as far as it matters here. `schema` is a zod schema; undefined passes where none is needed. */
interface Setting {
  schema: { safeParse: (value: unknown) => { success: boolean } }
  default?: unknown
  /** The setting that may be given in its place. */
  instead?: string
}

export function processSettings(
  image: string,
  table: Readonly<Record<string, Setting>>,
  drainMs: number,
): ProcessSettings {
  const entries = Object.entries(table)
  const required = entries.filter(([, row]) => row.default === undefined && !row.schema.safeParse(undefined).success)
  return {
    image,
    known: new Set(entries.map(([name]) => name)),
    required: required.map(([name, { instead }]) => (instead === undefined ? [name] : [name, instead])),
    drainMs,
  }
}
