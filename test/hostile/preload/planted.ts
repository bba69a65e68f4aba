/**
 * Loaded into the nodes of the blind tests only: does what no node may do as soon as it reads a word, so that it is
 * known that the verdict can fail. PLANTS says which word does what; what a node reads is any JSON, or the address of a
 * request.
 */
import { Server } from 'node:http'
import { CLOSE } from '@rhizom/protocol'
import { z } from 'zod'

const HOLD_MS = 3_000
const LEAK_BYTES = 80 * 1024 * 1024
const ODD_CODE = 4_777

const plantSchema = z.object({
  word: z.string(),
  effect: z.enum(['end', 'leak', 'hold', 'log an error', 'answer 500', 'answer what is not described', 'close oddly']),
})
export type Plant = z.infer<typeof plantSchema>

const plants = z.array(plantSchema).parse(JSON.parse(process.env['PLANTS'] ?? '[]'))
const kept: Uint8Array[] = []
const parse = JSON.parse

JSON.parse = (text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown => {
  if (typeof text === 'string') for (const { word, effect } of plants) if (text.includes(word)) act(effect)
  return parse(text, reviver)
}

const spentMs = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000

function act(effect: Plant['effect']): void {
  switch (effect) {
    case 'end':
      return void process.kill(process.pid, 'SIGKILL')
    case 'leak':
      return void kept.push(new Uint8Array(LEAK_BYTES).fill(1))
    case 'hold': {
      // Of processor time: on a busy machine less would be felt than is meant.
      const { user, system } = process.cpuUsage()
      while (spentMs(process.cpuUsage({ user, system })) < HOLD_MS);
      return
    }
    case 'log an error':
      return void process.stdout.write('{"level":50,"msg":"planted"}\n')
    case 'close oddly':
      return void Object.assign(CLOSE.notAuthenticated, { code: ODD_CODE })
    case 'answer 500':
    case 'answer what is not described':
      return
    default:
      effect satisfies never
  }
}

const emit = Server.prototype.emit
Server.prototype.emit = function (this: Server, event: string, ...rest: unknown[]): boolean {
  const [request, response] = rest
  const url = typeof request === 'object' && request !== null && 'url' in request ? String(request.url) : ''
  const plant = event === 'request' ? plants.find(({ word }) => url.includes(word)) : undefined
  if (plant !== undefined && typeof response === 'object' && response !== null && 'writeHead' in response) {
    const { writeHead, end } = response as unknown as {
      writeHead: (status: number) => void
      end: (body: string) => void
    }
    if (plant.effect === 'answer 500' || plant.effect === 'answer what is not described') {
      writeHead.call(response, plant.effect === 'answer 500' ? 500 : 200)
      end.call(response, '{}')
      return true
    }
  }
  return Reflect.apply(emit, this, [event, ...rest]) as boolean
}
