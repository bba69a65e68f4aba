/** What `npm run operate -- …` understands, turned into a call. Pure: wrong arguments are a problem in words. */
import { parseArgs } from 'node:util'
import { COMMANDS, type OperatorCommand } from './commands.ts'

export interface OperatorCall {
  command: OperatorCommand
  method: 'GET' | 'POST'
  /** Path and query below the address of the internal port. */
  path: string
  body: Readonly<Record<string, string>> | undefined
  isJson: boolean
  /** What is to be asked before it is done, if anything. */
  question: string | undefined
}

type Parsed = { ok: true; call: OperatorCall } | { ok: false; code: 0 | 2; text: string }

const shapeOf = ({ word, takes }: OperatorCommand): string => [word, ...takes].join(' ')
const width = Math.max(...COMMANDS.map((command) => shapeOf(command).length))
const lines = COMMANDS.map((command) => `  ${shapeOf(command).padEnd(width)}  ${command.summary}`)

export const USAGE = `npm run operate -- COMMAND [options]

${lines.join('\n')}

  --why TEXT       the reason, which is kept; whatever acts needs one
  --yes            do not ask before what cannot be undone
  --json           the answer as it came
  --id, --name     of beings and spaces: those whose id or name holds this
  --sort WORD      of them: id, activity or bytes
  --limit N, --cursor TEXT    a page

It speaks with the system that \`npm start\` runs. Another is named by OPERATOR_URL, the internal port of an api, and
OPERATOR_TOKEN, the token of an operator.`

const options = {
  why: { type: 'string' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  id: { type: 'string' },
  name: { type: 'string' },
  sort: { type: 'string' },
  limit: { type: 'string' },
  cursor: { type: 'string' },
} as const

export function parseOperatorArguments(args: readonly string[]): Parsed {
  const refused = (problem: string): Parsed => ({ ok: false, code: 2, text: `operate: ${problem}\n\n${USAGE}` })
  let parsed
  try {
    parsed = parseArgs({ args: args.filter((one) => one !== '--'), options, allowPositionals: true })
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  const [word, ...given] = positionals
  if (values.help === true || word === undefined) return { ok: false, code: values.help === true ? 0 : 2, text: USAGE }
  const command = COMMANDS.find((one) => one.word === word)
  if (command === undefined) return refused(`there is no command "${word}"`)
  if (given.length !== command.takes.length) return refused(`it is ${shapeOf(command)}`)
  const choices = Object.entries({
    ...(command.finds === true ? { id: values.id, name: values.name, sort: values.sort } : {}),
    ...(command.pages === true ? { limit: values.limit, cursor: values.cursor } : {}),
  })
  const taken = new Set(['yes', 'json', ...choices.map(([name]) => name), ...(command.kind === 'looks' ? [] : ['why'])])
  const vain = Object.keys(values).find((name) => !taken.has(name))
  if (vain !== undefined) return refused(`${word} takes no --${vain}`)
  if (command.kind !== 'looks' && (values.why ?? '').trim() === '') return refused(`${word} needs a reason: --why "…"`)
  const query = new URLSearchParams()
  for (const [name, value] of choices) if (value !== undefined) query.set(name, value)
  const path = `/operator/v1${command.path(...given)}${query.size > 0 ? `?${query.toString()}` : ''}`
  const body = command.kind === 'looks' ? undefined : { ...command.body?.(...given), reason: values.why ?? '' }
  const asks = command.kind === 'final' && values.yes !== true
  const question = asks ? `${[word, ...given].join(' ')}: this cannot be undone. Type yes to do it: ` : undefined
  return { ok: true, call: { command, method: command.method, path, body, isJson: values.json === true, question } }
}
