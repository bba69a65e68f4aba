/**
 * No connection at all: an api node is asked for the changes of each space again and again, by the contract alone, and
 * what it answers is given on as the frames that a gateway would have sent. Who is here is not asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseServerMessage } from '@rhizom/protocol'
import { type Answer, call } from '../wire/api-caller.ts'
import type { CarriedConnection, Carrier, ConnectionEvents } from './carrier.ts'
import { Subscriptions } from './subscriptions.ts'

const ROUND_MS = 800
const ANSWER_WITHIN_MS = 1_500
const HEARTBEAT_MS = 2_000
const NO_CLOSE_FRAME = 1006

type Fields = Record<string, unknown>

export const pollingCarrier: Carrier = {
  name: 'polling',
  open: (url, token, events) => new PollingConnection(url, token, events),
}

class PollingConnection implements CarriedConnection {
  readonly #url: string
  readonly #token: string
  readonly #events: ConnectionEvents
  readonly #subscriptions = new Subscriptions()
  #isOver = false

  constructor(url: string, token: string, events: ConnectionEvents) {
    this.#url = url
    this.#token = token
    this.#events = events
    setImmediate(() => {
      if (!this.#isOver) events.opened()
    })
  }

  get isOpen(): boolean {
    return !this.#isOver
  }

  send(...frames: object[]): void {
    const isHello = this.#subscriptions.spaces.size === 0
    if (this.#subscriptions.take(frames) && isHello && this.#subscriptions.spaces.size === 0) void this.#run()
  }

  pause(): void {
    throw new Error('who polls reads when it asks')
  }

  resume(): void {
    // It never stopped.
  }

  close(): void {
    this.#isOver = true
  }

  terminate(): void {
    this.#isOver = true
  }

  async #run(): Promise<void> {
    try {
      const { body } = await this.#ask<{ being: { id: string } }>('/v1/sessions/current')
      this.#give({ type: 'welcome', session: 'polling', being: body.being.id, heartbeatMs: HEARTBEAT_MS })
      while (!this.#isOver) {
        for (const space of [...this.#subscriptions.spaces.keys()]) await this.#poll(space)
        this.#give({ type: 'heartbeat', at: Date.now(), heads: {} })
        await sleep(ROUND_MS)
      }
    } catch {
      // It does not answer, or not as it should: the next one is asked.
      if (this.#isOver) return
      this.#isOver = true
      this.#events.closed(NO_CLOSE_FRAME)
    }
  }

  async #ask<T extends object>(path: string, expected = [200]): Promise<Answer<T>> {
    const answer = await call<T>(this.#url, 'GET', path, { token: this.#token, timeoutMs: ANSWER_WITHIN_MS })
    if (!expected.includes(answer.status)) throw new Error(`${path} answers ${answer.status}`)
    return answer
  }

  async #poll(space: string): Promise<void> {
    const subscription = this.#subscriptions.spaces.get(space)
    if (subscription === undefined) return
    const { position, isAnswered } = subscription
    const here = { here: [], hereCount: 0 }
    if (position !== undefined) {
      const { epoch, version } = position
      const path = `/v1/spaces/${space}/changes?epoch=${epoch}&after=${version}`
      const { status, body } = await this.#ask<Fields>(path, [200, 410])
      if (status === 200) {
        const { from, to, changes } = body
        if (!isAnswered) this.#give({ type: 'resumed', space, epoch, from, to, changes, ...here })
        else if (from !== to) this.#give({ type: 'changes', space, epoch, from, to, changes })
        return
      }
    }
    const { space: entity, ...rest } = (await this.#ask<Fields>(`/v1/spaces/${space}`)).body
    this.#give({ type: 'snapshot', space, entity, ...rest, ...here })
  }

  #give(fields: Fields): void {
    if (this.#isOver) return
    for (const line of parseServerMessage(JSON.stringify(fields))) {
      if (!line.ok) this.#events.misunderstood(`${line.problem} ${line.path ?? ''}`)
      else if (line.value.type !== 'ignored') {
        this.#subscriptions.note(line.value)
        this.#events.frame(line.value)
      }
    }
  }
}
