/**
 * A system that a test scripts: it answers the few calls of the load test as api and gateway would, keeps the log in
 * memory, and on demand does to it what must never happen. So the load test is shown to find what it is there to find.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { parseClientMessage, postMutationsBodySchema, type SpaceId } from '@rhizom/protocol'
import { WebSocket, WebSocketServer } from 'ws'

/**
 * What goes wrong with the fifth change of each space; `silence` is every change from the fifth on. Who is forgetful
 * tells nobody who comes back what was missed.
 */
export type Fault = 'none' | 'forgetful' | 'left out' | 'silence' | 'swapped' | 'twice' | 'unlogged'

interface Change {
  version: number
  at: number
  actor: string
  kind: string
  mutation: string
  body: object
}

/** A socket, or a stream of server-sent events. */
interface Watcher {
  send(frame: string): void
}

interface ScriptedSpace {
  epoch: string
  log: Change[]
  watchers: Set<Watcher>
  /** A change held back to be sent after its successor. */
  heldBack: Change | undefined
}

const FAULTY_VERSION = 5

export interface ScriptedSystem {
  url: string
  /** How often a space was asked for: read, or subscribed to. */
  asked(space: SpaceId): number
  close(): Promise<void>
}

/** Listens as api and gateway on one port. */
export async function startScriptedSystem(fault: Fault): Promise<ScriptedSystem> {
  const spaces = new Map<SpaceId, ScriptedSpace>()
  const asked = new Map<SpaceId, number>()
  const ask = (id: SpaceId): void => void asked.set(id, (asked.get(id) ?? 0) + 1)
  const spaceOf = (id: SpaceId): ScriptedSpace => {
    const space = spaces.get(id) ?? {
      epoch: randomUUID(),
      log: [],
      watchers: new Set<Watcher>(),
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
      case 'forgetful':
      case 'unlogged':
        return [alone(space.log[change.version - 1] ?? change)]
      default:
        return fault satisfies never
    }
  }

  function answerTo(space: string, { epoch, log }: ScriptedSpace, after: number | undefined): string {
    const version = log.length
    if (after === undefined) return JSON.stringify({ type: 'snapshot', space, epoch, version })
    const missed = fault === 'forgetful' ? [] : log.slice(after)
    return JSON.stringify({ type: 'resumed', space, epoch, from: after, to: after + missed.length, changes: missed })
  }

  const server = createServer((request, response) => {
    const stream = (id: SpaceId): void => {
      ask(id)
      const space = spaceOf(id)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (frame: string): void => void response.write(`data: ${frame}\n\n`)
      send(answerTo(id, space, undefined))
      space.watchers.add({ send })
    }
    void answer(request, response, { spaceOf, commit, stream, ask }).catch((error: unknown) =>
      response.writeHead(500).end(String(error)),
    )
  })
  new WebSocketServer({ server, path: '/v1/sync' }).on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      for (const line of parseClientMessage(data.toString())) {
        if (!line.ok || line.value.type !== 'subscribe') continue
        const { space: id, epoch, after } = line.value
        ask(id)
        const space = spaceOf(id)
        socket.send(answerTo(id, space, epoch === space.epoch ? after : undefined))
        for (const watcher of space.watchers)
          if (watcher instanceof WebSocket && watcher.readyState !== WebSocket.OPEN) space.watchers.delete(watcher)
        space.watchers.add(socket)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the scripted system has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked: (space) => asked.get(space) ?? 0,
    close: () => closeServer(server),
  }
}

interface Parts {
  spaceOf: (id: SpaceId) => ScriptedSpace
  commit: (id: SpaceId, mutation: string) => number
  stream: (id: SpaceId) => void
  ask: (id: SpaceId) => void
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { spaceOf, commit, stream, ask }: Parts,
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
  if (url.pathname === '/v1/sync/sse') return stream(url.searchParams.get('space') ?? '')
  const id = url.pathname.split('/')[3] ?? ''
  const { epoch, log } = spaceOf(id)
  ask(id)
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
