/** The clients' process, seen from the one that measures: orders over its channel, one at a time. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import type { CrowdOrder, CrowdReport } from './crowd.ts'

const numbers = z.array(z.number())
const reportSchema = z.object({
  clients: z.number(),
  live: z.number(),
  delivered: z.number(),
  twice: z.number(),
  outOfOrder: z.number(),
  bytes: z.number(),
  cuts: z.number(),
  busy: z.number(),
  delays: numbers,
  delaysAfterReturn: numbers,
}) satisfies z.ZodType<CrowdReport>
const answerSchema = z.union([
  z.object({ done: z.string(), report: reportSchema.optional() }),
  z.object({ failed: z.string() }),
])

export interface Crowd {
  tell(order: CrowdOrder): Promise<void>
  report(): Promise<CrowdReport>
  end(): void
}

/** `onCore` are the words that put a program on the core of clients. */
export function startCrowd(onCore: readonly string[]): Crowd {
  const file = join(import.meta.dirname, 'crowd.ts')
  const [first, ...rest] = [...onCore, process.execPath]
  const child = fork(file, [], { execPath: first ?? process.execPath, execArgv: [...rest] })
  // Orders may overlap (it reports while it cuts), so answers are told apart by what they answer.
  const ask = (order: CrowdOrder): Promise<CrowdReport | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<CrowdReport | undefined>()
    const onExit = (code: number | null): void => reject(new Error(`the clients ended with ${code ?? 'a signal'}`))
    const onMessage = (message: unknown): void => {
      const answer = answerSchema.parse(message)
      if ('failed' in answer) reject(new Error(answer.failed))
      else if (answer.done === order.order) resolve(answer.report)
    }
    child.on('message', onMessage)
    child.once('exit', onExit)
    child.send(order)
    return promise.finally(() => {
      child.off('message', onMessage)
      child.off('exit', onExit)
    })
  }
  return {
    tell: async (order) => void (await ask(order)),
    async report() {
      const report = await ask({ order: 'report' })
      if (report === undefined) throw new Error('the clients report nothing')
      return report
    },
    end: () => void child.kill('SIGKILL'),
  }
}
