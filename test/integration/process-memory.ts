/**
 * What a running Node can still reach, over its inspector: strings by a snapshot of its heap, and the bytes of buffers,
 * which stand outside of it. What was let go of and not yet written over is not looked at: no process can tell of it.
 * Nor is the scratch memory of the HTTP parser, in WebAssembly, where what it received stands until written over.
 * What is looked for is sent as hex, so that asking does not bring it there. The process is started with `--inspect=0`.
 */
import { readFile } from 'node:fs/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import { WebSocket } from 'ws'
import { z } from 'zod'

const messageSchema = z.object({
  id: z.int().optional(),
  method: z.string().optional(),
  params: z.object({ chunk: z.string().optional() }).loose().optional(),
  error: z.unknown().optional(),
  result: z
    .object({
      result: z.object({ objectId: z.string().optional(), value: z.unknown().optional() }).optional(),
      objects: z.object({ objectId: z.string() }).optional(),
      exceptionDetails: z.unknown().optional(),
    })
    .optional(),
})
type Result = NonNullable<z.infer<typeof messageSchema>['result']>

/** Longer strings are cut in snapshots, unless told otherwise. */
const LONGEST_STRING = 100_000_000
const ALLOW_LONG = `process.getBuiltinModule('v8').setFlagsFromString('--heap-snapshot-string-limit=${LONGEST_STRING}')`
/** What `Buffer.from` makes would stand in a pool, which is one of those that are looked at. */
const FIND_IN_BUFFERS = `function (hex, memories) {
  const scratch = new Set(memories.map(({ buffer }) => buffer))
  const needle = Buffer.alloc(hex.length / 2)
  needle.write(hex, 'hex')
  for (const bytes of this) {
    if (scratch.has(bytes)) continue
    const at = Buffer.from(bytes).indexOf(needle)
    if (at >= 0) return bytes.byteLength + ' bytes: ' + Buffer.from(bytes).toString('latin1', Math.max(0, at - 200), at)
  }
  return ''
}`

export class ProcessMemory {
  readonly #socket: WebSocket
  readonly #answers = new Map<number, (message: z.infer<typeof messageSchema>) => void>()
  #chunks: string[] = []
  #asked = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const message = messageSchema.parse(JSON.parse(data.toString('utf8')))
      if (message.method === 'HeapProfiler.addHeapSnapshotChunk') this.#chunks.push(message.params?.chunk ?? '')
      if (message.id !== undefined) this.#answers.get(message.id)?.(message)
    })
  }

  /** `log` is where the process says at which address its inspector is. */
  static async of(log: string): Promise<ProcessMemory> {
    const url = await eventually(
      'an inspector',
      async () => /Debugger listening on (ws:\S+)/.exec(await readFile(log, 'utf8'))?.[1],
    )
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const memory = new ProcessMemory(socket)
    await memory.#ask('HeapProfiler.enable')
    await memory.#ask('Runtime.evaluate', { expression: ALLOW_LONG })
    return memory
  }

  /** Where it was found, with what stands before it. */
  async holds(words: string): Promise<string | false> {
    await this.#ask('HeapProfiler.collectGarbage')
    this.#chunks = []
    await this.#ask('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
    const heap = this.#chunks.join('')
    this.#chunks = []
    if (heap.includes(words)) return 'in a string'
    for (const kind of ['ArrayBuffer', 'SharedArrayBuffer']) {
      const found = await this.#foundInBuffers(kind, words)
      if (found !== '') return `in a buffer of ${found}`
    }
    return false
  }

  close(): void {
    this.#socket.close()
  }

  async #foundInBuffers(kind: string, words: string): Promise<string> {
    const [memories, objectId] = [await this.#allOf('WebAssembly.Memory'), await this.#allOf(kind)]
    const asked = { functionDeclaration: FIND_IN_BUFFERS, returnByValue: true, objectId }
    const needle = { value: Buffer.from(words).toString('hex') }
    const found = await this.#ask('Runtime.callFunctionOn', { ...asked, arguments: [needle, { objectId: memories }] })
    await this.#ask('Runtime.releaseObjectGroup', { objectGroup: 'all' })
    return z.string().parse(found.result?.value)
  }

  async #allOf(kind: string): Promise<string | undefined> {
    const prototype = await this.#ask('Runtime.evaluate', { expression: `${kind}.prototype` })
    const prototypeObjectId = prototype.result?.objectId
    return (await this.#ask('Runtime.queryObjects', { prototypeObjectId, objectGroup: 'all' })).objects?.objectId
  }

  async #ask(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#asked
    const message = await new Promise<z.infer<typeof messageSchema>>((resolve) => {
      this.#answers.set(id, resolve)
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
    this.#answers.delete(id)
    if (message.error !== undefined || message.result?.exceptionDetails !== undefined)
      throw new Error(`${method}: ${JSON.stringify(message.error ?? message.result)}`)
    return message.result ?? {}
  }
}
