/** A gateway whose heap can be looked into, over Node's inspector. */
import { z } from 'zod'
import { found, type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import { type HeapSummary, summarize } from './heap-summary.ts'

const replySchema = z.object({
  id: z.int().optional(),
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
  params: z.object({ chunk: z.string().optional() }).optional(),
})
const usageSchema = z.object({ usedSize: z.number() })

export interface InspectedGateway extends GatewayProcess {
  /** Everything that is not needed any more is let go of first. */
  heapBytes(): Promise<number>
  summary(): Promise<HeapSummary>
}

export async function startInspectedGateway(tree: string, env: Record<string, string>): Promise<InspectedGateway> {
  const gateway = await startGatewayProcess(tree, env, { flags: ['--inspect=127.0.0.1:0'] })
  const inspector = await connectInspector(await found(gateway, () => /ws:\/\/\S+/.exec(gateway.said())?.[0]))
  return {
    ...gateway,
    async heapBytes() {
      // What is let go of by the first may be all that held something else.
      for (let times = 0; times < 3; times += 1) await inspector.ask('HeapProfiler.collectGarbage')
      return usageSchema.parse(await inspector.ask('Runtime.getHeapUsage')).usedSize
    },
    summary: async () => summarize(await inspector.snapshot()),
  }
}

async function connectInspector(address: string) {
  const socket = new WebSocket(address)
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let chunks: string[] = []
  let asked = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error, params } = replySchema.parse(JSON.parse(String(data)))
    if (params?.chunk !== undefined) chunks.push(params.chunk)
    const answered = id === undefined ? undefined : waiting.get(id)
    if (id === undefined || answered === undefined) return
    waiting.delete(id)
    if (error === undefined) answered.resolve(result)
    else answered.reject(new Error(error.message))
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`no inspector at ${address}`)))
  })
  const ask = (method: string, params: object = {}): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>()
    waiting.set(++asked, answer)
    socket.send(JSON.stringify({ id: asked, method, params }))
    return answer.promise
  }
  return {
    ask,
    async snapshot(): Promise<string> {
      chunks = []
      await ask('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
      const whole = chunks.join('')
      chunks = []
      return whole
    },
  }
}
