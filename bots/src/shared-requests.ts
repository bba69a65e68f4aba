/**
 * Sends mutations of many replies in few requests: one at a time, and what comes meanwhile shares the next, whatever
 * reply it is of. Where nothing is under way nothing waits; an answer that takes long holds nobody up for more than
 * `GO_ON_AFTER_MS`. So a bot that streams a hundred replies asks as often as one that streams a few.
 *
 * Whoever stops waiting is answered at once. A request for which nobody waits any more is given up.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Mutation, MutationResult } from '@rhizom/protocol'
import type { Answered } from './answered.ts'

export type SendMutations = (mutations: string, signal: AbortSignal) => Promise<Answered<MutationResult[]>>

/** `stopped` if the signal said so first; `isShared` if others had a part in what it says. */
export type SharedAnswer = { answer: Answered<MutationResult[]> | 'stopped'; isShared: boolean }

export interface SharedRequests {
  ask(mutations: readonly Mutation[], signal: AbortSignal): Promise<SharedAnswer>
}

/** As many as an api takes at once, and far less text; one that asks for more goes alone. */
const MOST = { mutations: 100, characters: 65_536 }
const GO_ON_AFTER_MS = 25

interface Waiting {
  json: string
  count: number
  isOver: boolean
  /** Once its request has gone, to be told that nobody waits for this part of it. */
  leave: () => void
  settle: (answer: SharedAnswer) => void
}

export function shareRequests(send: SendMutations): SharedRequests {
  let waiting: Waiting[] = []
  let underWay = 0
  let isGoing = false
  let timer: NodeJS.Timeout | undefined

  /** What comes in one turn goes together. */
  function goSoon(): void {
    clearTimeout(timer)
    timer = undefined
    if (isGoing) return
    isGoing = true
    void turn().then(() => {
      isGoing = false
      go()
    })
  }

  function go(): void {
    waiting = waiting.filter(({ isOver }) => !isOver)
    const batch = nextOf(waiting)
    if (batch.length === 0) return
    waiting = waiting.slice(batch.length)
    underWay += 1
    timer = setTimeout(goSoon, GO_ON_AFTER_MS)
    void sendBatch(batch).finally(() => {
      underWay -= 1
      if (underWay === 0) goSoon()
    })
    if (waiting.length > 0) goSoon()
  }

  async function sendBatch(batch: readonly Waiting[]): Promise<void> {
    const nobodyWaits = new AbortController()
    let left = batch.length
    for (const one of batch)
      one.leave = () => {
        left -= 1
        if (left === 0) nobodyWaits.abort()
      }
    const answer = await send(`[${batch.map(({ json }) => json).join(',')}]`, nobodyWaits.signal)
    const isShared = batch.length > 1
    let from = 0
    for (const { count, settle } of batch) {
      const ofOne = answer.ok ? { ok: true as const, value: answer.value.slice(from, from + count) } : answer
      settle({ answer: ofOne, isShared })
      from += count
    }
  }

  return {
    ask: (mutations, signal) =>
      new Promise((resolve) => {
        const settle = (answer: SharedAnswer): void => {
          one.isOver = true
          signal.removeEventListener('abort', stop)
          resolve(answer)
        }
        const stop = (): void => {
          settle({ answer: 'stopped', isShared: false })
          one.leave()
        }
        const json = mutations.map((mutation) => JSON.stringify(mutation)).join(',')
        const one: Waiting = { json, count: mutations.length, isOver: false, leave: () => undefined, settle }
        if (signal.aborted) return stop()
        signal.addEventListener('abort', stop, { once: true })
        waiting.push(one)
        if (underWay === 0 || timer === undefined) goSoon()
      }),
  }
}

/** As much of what waits as one request holds, in order; one at least. */
function nextOf(waiting: readonly Waiting[]): Waiting[] {
  let [mutations, characters] = [0, 0]
  const end = waiting.findIndex(({ count, json }, nth) => {
    mutations += count
    characters += json.length
    return nth > 0 && (mutations > MOST.mutations || characters > MOST.characters)
  })
  return waiting.slice(0, end < 0 ? waiting.length : end)
}
