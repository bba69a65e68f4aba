/**
 * WebSocket by bytes (RFC 6455): the request to upgrade, frames as they should and should not be, and what a server
 * answers with. A mask of zeros leaves the payload as it is, which is right and quick.
 */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameShape {
  opcode?: number
  fin?: boolean
  /** Reserved bits, 0 to 7. */
  reserved?: number
  /** Frames of clients are masked; without one they break the protocol. */
  mask?: Uint8Array | 'zeros' | 'none'
  /** What the header says, if it is to lie. */
  claimedLength?: number
}

const SHORT = 125
const TWO_BYTES = 0xffff
const MASK_BYTES = 4

/** One frame of a client. */
export function wsFrame(payload: string | Uint8Array, shape: FrameShape = {}): Buffer {
  const { opcode = OPCODE.text, fin = true, reserved = 0, mask = 'zeros' } = shape
  const isText = typeof payload === 'string'
  const bytes = isText ? Buffer.byteLength(payload) : payload.length
  const length = shape.claimedLength ?? bytes
  const lengthBytes = length <= SHORT ? 0 : length <= TWO_BYTES ? 2 : 8
  const maskBytes = mask === 'none' ? 0 : MASK_BYTES
  const frame = Buffer.allocUnsafe(2 + lengthBytes + maskBytes + bytes)
  frame[0] = (fin ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 15)
  const masked = mask === 'none' ? 0 : 0x80
  if (lengthBytes === 0) frame[1] = masked | length
  else if (lengthBytes === 2) {
    frame[1] = masked | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = masked | 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  const start = 2 + lengthBytes + maskBytes
  if (maskBytes > 0) frame.fill(0, 2 + lengthBytes, start)
  if (isText) frame.write(payload, start, 'utf8')
  else frame.set(payload, start)
  if (mask instanceof Uint8Array) {
    frame.set(mask.subarray(0, MASK_BYTES), 2 + lengthBytes)
    for (let at = 0; at < bytes; at += 1) frame[start + at] = (frame[start + at] ?? 0) ^ (mask[at % MASK_BYTES] ?? 0)
  }
  return frame
}

export const closeFrame = (code: number, reason: string | Uint8Array = ''): Buffer => {
  const words = typeof reason === 'string' ? Buffer.from(reason) : reason
  const payload = Buffer.alloc(2 + words.length)
  payload.writeUInt16BE(code)
  payload.set(words, 2)
  return wsFrame(payload, { opcode: OPCODE.close })
}

/** The head that asks a gateway for a WebSocket. */
export const upgradeHead = (gateway: string, more: readonly string[] = []): string =>
  [
    'GET /v1/sync HTTP/1.1',
    `Host: ${new URL(gateway).host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...more,
    '',
    '',
  ].join('\r\n')

export interface ServerWords {
  upgraded(): void
  text(payload: string): void
  pong(payload: Buffer): void
  ping(payload: Buffer): void
  closing(code: number | undefined): void
  /** What no server may send. */
  broken(what: string): void
}

const END_OF_HEAD = '\r\n\r\n'

/** Cuts what a gateway sends into its answer to the upgrade and the frames after it. */
export class ServerBytes {
  readonly #words: ServerWords
  #rest: Buffer = Buffer.alloc(0)
  #isUpgraded = false

  constructor(words: ServerWords) {
    this.#words = words
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#isUpgraded && !this.#takeHead()) return
    while (this.#takeFrame());
  }

  #takeHead(): boolean {
    const end = this.#rest.indexOf(END_OF_HEAD)
    if (end < 0) return false
    const status = this.#rest.subarray(0, this.#rest.indexOf('\r\n')).toString('latin1')
    this.#rest = this.#rest.subarray(end + END_OF_HEAD.length)
    if (!status.startsWith('HTTP/1.1 101')) {
      this.#words.broken(`no upgrade: ${status}`)
      return false
    }
    this.#isUpgraded = true
    this.#words.upgraded()
    return true
  }

  #takeFrame(): boolean {
    const rest = this.#rest
    if (rest.length < 2) return false
    const short = (rest[1] ?? 0) & 0x7f
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    if (rest.length < 2 + lengthBytes) return false
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    const start = 2 + lengthBytes
    if (rest.length < start + length) return false
    const payload = rest.subarray(start, start + length)
    this.#rest = rest.subarray(start + length)
    this.#tell((rest[0] ?? 0) & 15, payload)
    return true
  }

  #tell(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text) this.#words.text(payload.toString('utf8'))
    else if (opcode === OPCODE.pong) this.#words.pong(payload)
    else if (opcode === OPCODE.ping) this.#words.ping(payload)
    else if (opcode === OPCODE.close) this.#words.closing(payload.length < 2 ? undefined : payload.readUInt16BE(0))
    else this.#words.broken(`opcode ${opcode}`)
  }
}
