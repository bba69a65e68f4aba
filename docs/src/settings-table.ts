/**
 * Prints settings tables as the processes define them. print.ts puts them into the README, and its test holds them
 * there.
 */

import { table } from './table.ts'

/** One variable as a table in a package's config declares it. */
export interface DeclaredSetting {
  description: string
  /** As one would write it in the environment; missing where the variable is required or may be left out. */
  default?: string
  /** Asked whether the variable may be left out where it has no default. */
  schema: { safeParse: (value: unknown) => { success: boolean } }
}

function standard({ default: value, schema }: DeclaredSetting): string {
  if (value !== undefined) return value === '' ? 'empty' : `\`${value}\``
  return schema.safeParse(undefined).success ? 'none' : '**required**'
}

/** A Markdown table of settings in their declared order. */
export function settingsTable(settings: Readonly<Record<string, DeclaredSetting>>): string {
  const rows = Object.entries(settings).map(([name, setting]) => [
    `\`${name}\``,
    standard(setting),
    setting.description,
  ])
  return table(['variable', 'default', 'meaning'], rows)
}
