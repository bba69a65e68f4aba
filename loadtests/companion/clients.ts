/**
 * The clients that k6 has no means for: server-sent events, polling, and sockets that are not read. Each follows one
 * space by the same rule and oracle as k6's own (scenarios/watched-space.ts), and comes back by its position.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { OtherClient } from '../scenarios/others.ts'
import { type Told, ToldSpace } from '../scenarios/watched-space.ts'
import { helloLine, readFrame, readMessage, subscribeLine, SYNC_PATH } from '../scenarios/wire.ts'

const AGAIN_AFTER_MS = 300
const POLL_EVERY_MS = 500
const PAGE = 1_000

export class Follower {
  readonly client: OtherClient
  readonly told: ToldSpace
  readonly delays: number[] = []
  seen = 0
  disorders = 0
  duplicates = 0
  notUnderstood = 0
  reconnects = 0
  /** Times a connection ended that was not read. */
  closedUnread = 0
  readonly #stop = new AbortController()
  #socket: WebSocket | undefined

  constructor(client: OtherClient) {
    this.client = client
    this.told = new ToldSpace(client.begins)
    void this.#follow()
  }

  get version(): number {
    return this.told.held?.version ?? -1
  }

  /** What has waited unread is read now. */
  readAgain(): void {
    this.#socket?.resume()
  }

  stop(): void {
    this.#stop.abort()
    this.#socket?.terminate()
  }

  /** Over and over, until it is stopped: a connection that ends is followed by the next, from where it stands. */
  async #follow(): Promise<void> {
    const { kind } = this.client
    for (let first = true; !this.#stop.signal.aborted; first = false) {
      if (!first) this.reconnects += kind === 'polling' ? 0 : 1
      try {
        await (kind === 'sse' ? this.#stream() : kind === 'polling' ? this.#poll() : this.#hold(first))
      } catch (error) {
        if (!this.#stop.signal.aborted) process.stderr.write(`${kind}: ${String(error)}\n`)
      }
      await sleep(kind === 'polling' ? POLL_EVERY_MS : AGAIN_AFTER_MS)
    }
  }

  #tell(frame: Told): void {
    const nowMs = Date.now()
    const observation = this.told.tell(frame)
    if (observation === undefined) return
    this.seen += observation.fresh.length
    this.duplicates += observation.duplicates
    this.disorders += observation.disorders
    for (const { at } of observation.fresh) this.delays.push(nowMs - at)
  }

  #hear(lines: string): void {
    try {
      for (const frame of readMessage(lines)) if (frame.type === 'snapshot' || frame.type === 'run') this.#tell(frame)
    } catch (error) {
      this.notUnderstood += 1
      process.stderr.write(`${String(error)}\n`)
    }
  }

  get #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.client.token}` }
  }

  async #stream(): Promise<void> {
    const { gateway, space } = this.client
    const { held } = this.told
    const resume = held === undefined ? '' : `&epoch=${held.epoch}&after=${held.version}`
    const url = `${gateway}${SYNC_PATH}/sse?space=${encodeURIComponent(space)}&present=false${resume}`
    const answer = await fetch(url, { headers: this.#headers, signal: this.#stop.signal })
    if (!answer.ok || answer.body === null) throw new Error(`${answer.status}`)
    let rest = ''
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data:')) this.#hear(line.slice(5).trim())
    }
  }

  async #poll(): Promise<void> {
    const { api, space } = this.client
    const { held } = this.told
    const path = held === undefined ? '' : `/changes?epoch=${held.epoch}&after=${held.version}&limit=${PAGE}`
    const answer = await fetch(`${api}/v1/spaces/${space}${path}`, {
      headers: this.#headers,
      signal: this.#stop.signal,
    })
    if (!answer.ok) throw new Error(`${answer.status}`)
    const body: unknown = await answer.json()
    const type = held === undefined ? 'snapshot' : 'changes'
    // The answers of the api have the fields of the frames, less the name of the type and here and there the space.
    const frame = readFrame(JSON.stringify({ ...Object(body), space, type }))
    if (frame.type === 'snapshot' || frame.type === 'run') this.#tell(frame)
  }

  /** Reads until it is there, and then no more, until it is told to. Only the first connection is treated so. */
  #hold(unread: boolean): Promise<void> {
    const { gateway, token, space } = this.client
    const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}${SYNC_PATH}`, { perMessageDeflate: false })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      socket.on('open', () => {
        socket.send(helloLine(token))
        socket.send(subscribeLine(space, this.told.held))
      })
      socket.on('message', (data: Buffer) => {
        this.#hear(data.toString())
        if (unread && this.told.held !== undefined && this.seen === 0) socket.pause()
      })
      socket.on('error', reject)
      socket.on('close', () => {
        if (unread && !this.#stop.signal.aborted) this.closedUnread += 1
        resolve()
      })
    })
  }
}
