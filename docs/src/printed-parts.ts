/**
 * The parts of the README that are printed from code: each stands between two markers and is replaced as a whole.
 * `node docs/src/print.ts` rewrites them; printed-parts.test.ts fails when they differ.
 */
import { settings as apiSettings } from '@rhizom/api'
import { settings as gatewaySettings } from '@rhizom/gateway'
import { settings as localSettings } from '@rhizom/infra/local/settings.ts'
import { settingsTable } from './settings-table.ts'

const settingsPart = (): string =>
  [
    '#### Both and the api',
    settingsTable(apiSettings),
    '#### The gateway',
    settingsTable(gatewaySettings),
    '#### `npm start`',
    'Everything else in the environment is passed on to the parts.',
    settingsTable(localSettings),
  ].join('\n\n')

const parts: Readonly<Record<string, () => string>> = { settings: settingsPart }

/** The text with each printed part as the code has it now. Throws where a marker is missing. */
export function withPrintedParts(text: string): string {
  return Object.entries(parts).reduce((result, [name, print]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
    const [from, to] = [result.indexOf(begin), result.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`the markers of ${name} are missing`)
    return `${result.slice(0, from + begin.length)}\n\n${print()}\n\n${result.slice(to)}`
  }, text)
}
