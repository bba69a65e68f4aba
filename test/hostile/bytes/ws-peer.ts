/** A WebSocket connection to a gateway that is written by bytes and read as the contract knows it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseServerMessage, type ServerFrame } from '@rhizom/protocol'
import type { Peer } from '@rhizom/kit/peer.ts'
import { strangerTo } from './strangers.ts'
import { OPCODE, ServerBytes, upgradeHead, wsFrame } from './ws-bytes.ts'

const MARK = '@mark-'
const AGAIN_AFTER_MS = 100
const WELCOME_WITHIN_MS = 30_000

export class WsPeer {
  readonly peer: Peer
  readonly frames: ServerFrame[] = []
  /** What no gateway may say. */
  readonly violations: string[] = []
  pongs = 0
  closeCode: number | undefined
  /** Called for each frame, instead of keeping it. */
  onFrame: ((frame: ServerFrame) => void) | undefined
  #isUpgraded = false
  #marks = 0
  #marked = ''
  #refused = 0

  private constructor(peer: Peer) {
    this.peer = peer
    const bytes = new ServerBytes({
      upgraded: () => (this.#isUpgraded = true),
      text: (payload) => this.#take(payload),
      pong: () => (this.pongs += 1),
      ping: (payload) => void peer.send(wsFrame(payload, { opcode: OPCODE.pong })),
      closing: (code) => (this.closeCode ??= code),
      broken: (what) => this.violations.push(what),
    })
    peer.listen((chunk) => bytes.push(chunk))
  }

  /** Upgraded, and nothing said yet. */
  static async open(gateway: string, more: readonly string[] = []): Promise<WsPeer> {
    const peer = await strangerTo(gateway)
    const ws = new WsPeer(peer)
    await peer.send(upgradeHead(gateway, more))
    await peer.until('an upgrade', () => ws.#isUpgraded || ws.isClosed, WELCOME_WITHIN_MS)
    return ws
  }

  /** Welcomed. */
  static async live(gateway: string, token: string): Promise<WsPeer> {
    const ws = await WsPeer.open(gateway)
    await ws.say({ type: 'hello', protocol: 1, token })
    await ws.hears('welcome')
    return ws
  }

  get isClosed(): boolean {
    return this.peer.isClosed
  }

  say(...frames: object[]): Promise<void> {
    return this.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  /** One message. */
  send(text: string): Promise<void> {
    return this.peer.send(wsFrame(text))
  }

  hears(type: ServerFrame['type'], withinMs = WELCOME_WITHIN_MS): Promise<void> {
    const isHeard = (): boolean => this.frames.some((frame) => frame.type === type)
    return this.peer.until(`a ${type} frame`, () => this.isClosed || isHeard(), withinMs)
  }

  /** Whether it takes note of what is said after all that was said before; false if it was closed instead. */
  async isServed(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs
    this.#marks += 1
    // Who is not subscribed to a space is told so, by its name. Who speaks too often is told that, and says it again.
    const space = `${MARK}${this.#marks}`
    while (!this.isClosed && this.#marked !== space) {
      const refused = this.#refused
      await this.say({ type: 'presence', space, state: {} })
      const isHeard = (): boolean => this.#marked === space || this.#refused > refused
      const leftMs = deadline - performance.now()
      await this.peer.until('an answer or a close', () => this.isClosed || isHeard(), leftMs)
      if (this.#marked !== space && !this.isClosed) await sleep(AGAIN_AFTER_MS)
    }
    return !this.isClosed
  }

  cut(): void {
    this.peer.cut()
  }

  #take(payload: string): void {
    for (const line of parseServerMessage(payload)) {
      if (!line.ok) this.violations.push(`a frame that the contract does not know: ${line.problem} ${line.path ?? ''}`)
      else if (line.value.type === 'ignored') this.violations.push(`a frame of the type ${line.value.unknownType}`)
      else this.#heard(line.value)
    }
  }

  #heard(frame: ServerFrame): void {
    if (frame.type === 'error' && frame.space?.startsWith(MARK) === true && frame.code !== 'rate-limited') {
      this.#marked = frame.space
      return
    }
    if (frame.type === 'error' && frame.code === 'rate-limited') this.#refused += 1
    if (this.onFrame === undefined) this.frames.push(frame)
    else this.onFrame(frame)
  }
}
