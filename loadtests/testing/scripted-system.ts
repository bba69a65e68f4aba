/**
 * A system that a test scripts: it answers the few calls of the load test as api and gateway would, keeps the log in
 * memory, and on demand does to it what must never happen. So the load test is shown to find what it is there to find.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { parseClientMessage, postMutationsBodySchema, type SpaceId } from '@rhizom/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

/** What goes wrong with the fifth change of each space; `silence` is every change from the fifth on. */
export type Fault = 'none' | 'left out' | 'silence' | 'swapped' | 'twice' | 'unlogged'

interface Change {
  version: number
  at: number
  actor: string
  kind: string
  mutation: string
  body: object
}

interface ScriptedSpace {
  epoch: string
  log: Change[]
  watchers: Set<WebSocket>
  /** A change held back to be sent after its successor. */
  heldBack: Change | undefined
}

const FAULTY_VERSION = 5

export interface ScriptedSystem {
  url: string
  close(): Promise<void>
}

/** Listens as api and gateway on one port. */
export async function startScriptedSystem(fault: Fault): Promise<ScriptedSystem> {
  const spaces = new Map<SpaceId, ScriptedSpace>()
  const spaceOf = (id: SpaceId): ScriptedSpace => {
    const space = spaces.get(id) ?? {
      epoch: randomUUID(),
      log: [],
      watchers: new Set<WebSocket>(),
      heldBack: undefined,
    }
    spaces.set(id, space)
    return space
  }

  function commit(id: SpaceId, mutation: string): number {
    const space = spaceOf(id)
    const version = space.log.length + 1
    const change = { version, at: Date.now(), actor: '@writer', kind: 'intention.put', mutation, body: {} }
    space.log.push(fault === 'unlogged' && version === FAULTY_VERSION ? { ...change, mutation: randomUUID() } : change)
    for (const frame of framesFor(id, space, change)) for (const watcher of space.watchers) watcher.send(frame)
    return version
  }

  function framesFor(id: SpaceId, space: ScriptedSpace, change: Change): string[] {
    const { epoch } = space
    const frameOf = (changes: Change[], from: number, to: number): string =>
      JSON.stringify({ type: 'changes', space: id, epoch, from, to, changes })
    const alone = (one: Change): string => frameOf([one], one.version - 1, one.version)
    if (space.heldBack !== undefined) {
      const late = space.heldBack
      space.heldBack = undefined
      return [alone(change), alone(late)]
    }
    if (fault === 'silence' && change.version > FAULTY_VERSION) return []
    if (change.version !== FAULTY_VERSION) return [alone(change)]
    switch (fault) {
      case 'left out':
      case 'silence':
        return []
      case 'twice':
        return [alone(change), alone(change)]
      case 'swapped':
        space.heldBack = change
        return []
      case 'none':
      case 'unlogged':
        return [alone(space.log[change.version - 1] ?? change)]
      default:
        return fault satisfies never
    }
  }

  const server = createServer((request, response) => {
    void answer(request, response, spaceOf, commit).catch((error: unknown) =>
      response.writeHead(500).end(String(error)),
    )
  })
  new WebSocketServer({ server, path: '/v1/sync' }).on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      for (const line of parseClientMessage(data.toString())) {
        if (!line.ok || line.value.type !== 'subscribe') continue
        const space = spaceOf(line.value.space)
        const { epoch, log } = space
        // A gap leads to a snapshot here; that a change was left out shows all the same.
        socket.send(JSON.stringify({ type: 'snapshot', space: line.value.space, epoch, version: log.length }))
        space.watchers.add(socket)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the scripted system has no port')
  return { url: `http://127.0.0.1:${address.port}`, close: () => closeServer(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  spaceOf: (id: SpaceId) => ScriptedSpace,
  commit: (id: SpaceId, mutation: string) => number,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://scripted')
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (url.pathname === '/v1/sessions') return send(201, { token: 'token', being: { id: '@writer' } })
  if (url.pathname === '/v1/mutations') {
    const body = postMutationsBodySchema.parse(JSON.parse(await textOf(request)))
    const results = body.mutations.map(({ id, space, name }) =>
      name === 'intention.create' && space !== null
        ? { id, status: 'applied', version: commit(space, id) }
        : { id, status: 'applied' },
    )
    return send(200, { results })
  }
  const id = url.pathname.split('/')[3] ?? ''
  const { epoch, log } = spaceOf(id)
  if (!url.pathname.endsWith('/changes')) return send(200, { epoch, version: log.length })
  const after = Number(url.searchParams.get('after'))
  return send(200, { epoch, from: after, to: log.length, head: log.length, changes: log.slice(after) })
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
