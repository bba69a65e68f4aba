/** `npm run operate`: what an operator asks an api at its internal port, on a command line. */
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { ReadableStreamDefaultReader } from 'node:stream/web'
import { z } from 'zod'
import { repository } from '../local/places.ts'
import { readRunFile } from '../local/run-file.ts'
import { keepSecrets } from '../local/secrets.ts'
import { type OperatorCall, parseOperatorArguments } from './arguments.ts'
import { tableOf } from './table.ts'

/** Longer than any call takes that is answered at all. */
const ANSWER_WITHIN_MS = 300_000

interface Place {
  url: string
  token: string
}

const problemSchema = z.object({ code: z.string(), detail: z.string().optional(), title: z.string().optional() })
const rowsSchema = z.array(z.record(z.string(), z.unknown()))

class OperateError extends Error {}

function placeOf({ OPERATOR_URL, OPERATOR_TOKEN, RHIZOM_LOCAL_DIR = '.local' }: NodeJS.ProcessEnv): Place {
  if (OPERATOR_URL !== undefined && OPERATOR_TOKEN !== undefined) return { url: OPERATOR_URL, token: OPERATOR_TOKEN }
  const local = resolve(repository, RHIZOM_LOCAL_DIR)
  const [internal] = readRunFile(join(local, 'run.json'))?.internal ?? []
  const url = OPERATOR_URL ?? internal
  if (url === undefined)
    throw new OperateError('nothing runs here: npm start, or name a system by OPERATOR_URL and OPERATOR_TOKEN')
  if (OPERATOR_TOKEN === undefined && OPERATOR_URL !== undefined)
    throw new OperateError('OPERATOR_URL without OPERATOR_TOKEN: the token of this system is for this system only')
  return { url, token: OPERATOR_TOKEN ?? keepSecrets(join(local, 'secrets.json')).OPERATOR_TOKEN }
}

async function isWanted(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new OperateError('it cannot be undone, and nobody is here to ask: say --yes')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(question)).trim() === 'yes'
  } finally {
    terminal.close()
  }
}

async function ask({ url, token }: Place, { method, path, body }: OperatorCall): Promise<Response> {
  const answer = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((error: unknown) => {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error)
    throw new OperateError(`no answer from ${new URL(url).origin}: ${why}`)
  })
  if (answer.ok) return answer
  const problem = problemSchema.safeParse(await answer.json().catch(() => undefined))
  const what = problem.success ? `${problem.data.code}: ${problem.data.detail ?? problem.data.title ?? ''}` : 'refused'
  const hint = answer.status === 401 ? ' (is the token one of OPERATOR_TOKENS there?)' : ''
  throw new OperateError(`${what}${hint} [${answer.status}]`)
}

async function show({ command, isJson }: OperatorCall, answer: Response): Promise<void> {
  if (command.isLines === true) {
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = answer.body?.getReader()
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      process.stdout.write(piece.value)
    return
  }
  const value: unknown = await answer.json()
  const shown = command.shows
  const found = z.record(z.string(), z.unknown()).parse(value)
  if (isJson || shown === undefined) return void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  process.stdout.write(`${tableOf(rowsSchema.parse(found[shown.list]), shown.columns)}\n`)
  const { nextCursor } = found
  if (typeof nextCursor === 'string') process.stderr.write(`more: --cursor ${JSON.stringify(nextCursor)}\n`)
}

async function operate(args: readonly string[]): Promise<number> {
  const parsed = parseOperatorArguments(args)
  if (!parsed.ok) {
    process[parsed.code === 0 ? 'stdout' : 'stderr'].write(`${parsed.text}\n`)
    return parsed.code
  }
  const { call } = parsed
  const place = placeOf(process.env)
  if (call.question !== undefined && !(await isWanted(call.question))) {
    process.stderr.write('operate: nothing was done\n')
    return 1
  }
  await show(call, await ask(place, call))
  return 0
}

try {
  process.exitCode = await operate(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof OperateError)) throw error
  process.stderr.write(`operate: ${error.message}\n`)
  process.exitCode = 1
}
