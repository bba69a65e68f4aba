/**
 * The limits of a batch of mutations, looked at before its schema: that then sees only what is within them. Over a
 * limit, nothing of the batch is applied. What is no batch at all passes: the schema says what is wrong with it.
 */
import { isJsonObject, mutationSchema } from '@rhizom/protocol'
import { ProblemError } from './problem-reply.ts'

export interface BatchLimits {
  mutations: number
  /** Of each argument, as JSON. */
  argumentBytes: number
}

/** Every argument that some mutation has; others are not read by anybody. */
const ARGUMENTS: readonly string[] = [
  ...new Set(mutationSchema.options.flatMap(({ shape }) => Object.keys(shape.args.shape))),
]

/** How many mutations a body asks for; one if it is no batch, since it costs its reader something too. */
export function batchSizeOf(body: unknown): number {
  const mutations = mutationsIn(body)
  return mutations === undefined ? 1 : Math.max(1, mutations.length)
}

/** Throws a `too-large` problem with the path of what is over a limit. */
export function checkBatch(body: unknown, limits: BatchLimits): void {
  const mutations = mutationsIn(body)
  if (mutations === undefined) return
  if (mutations.length > limits.mutations)
    throw new ProblemError('too-large', `more than ${limits.mutations} mutations in one batch`, { path: 'mutations' })
  for (const [index, mutation] of mutations.entries()) {
    const args = isJsonObject(mutation) ? mutation['args'] : undefined
    if (!isJsonObject(args)) continue
    for (const name of ARGUMENTS)
      if (bytesOf(args[name]) > limits.argumentBytes)
        throw new ProblemError('too-large', `more than ${limits.argumentBytes} bytes`, {
          path: `mutations.${index}.args.${name}`,
        })
  }
}

function mutationsIn(body: unknown): readonly unknown[] | undefined {
  const mutations = isJsonObject(body) ? body['mutations'] : undefined
  return Array.isArray(mutations) ? mutations : undefined
}

/** As JSON in UTF-8. */
function bytesOf(value: unknown): number {
  const json: string | undefined = JSON.stringify(value)
  return json === undefined ? 0 : Buffer.byteLength(json)
}
