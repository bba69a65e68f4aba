/** Clients that stop reading, and clients that sleep. */
import { setTimeout as sleep } from 'node:timers/promises'
import { utterance } from '../../wire/api-caller.ts'
import type { Fault } from '../fault.ts'
import { residentBytes } from '../process-signals.ts'

const MEBIBYTE = 1024 * 1024
/** A batch stays below what a request of mutations may have. */
const BURST = { bytesEach: 24 * 1024, batch: 25, batches: 12 } as const
/** Far below what a gateway would hold if it kept everything for a client that does not read. */
const MOST_GROWTH_BYTES = 160 * MEBIBYTE

/** How far a client that reads may be behind the burst when it ends. */
const OTHERS_LEVEL_WITHIN_MS = 3_000

const burst = (space: string) => utterance(space, 'burst '.repeat(BURST.bytesEach / 8))

const stopsReading: Fault = {
  name: 'a client stops reading',
  weight: 2,
  holdMs: 300,
  async strike(stage) {
    const { clients, rig } = stage
    const memory = (): number => Math.max(...rig.gateways.map(({ pid }) => residentBytes(pid)))
    const before = memory()
    const slow = clients.named('slow')
    const closesBefore = slow.map(({ closes }) => new Map(closes))
    for (const watcher of slow) watcher.stopReading()
    let peak = before
    for (let batch = 0; batch < BURST.batches; batch += 1) {
      const space = clients.spaces.burst
      await clients.write(...Array.from({ length: BURST.batch }, () => ({ ...burst(space), space })))
      peak = Math.max(peak, memory())
    }
    const megabytes = (BURST.batches * BURST.batch * BURST.bytesEach) / MEBIBYTE
    const writtenAt = performance.now()
    await clients.untilLevel(await rig.heads([clients.spaces.burst]), 30_000, clients.named('burst'))
    const lateMs = rig.took(writtenAt)
    if (lateMs > OTHERS_LEVEL_WITHIN_MS) stage.problem(`those who read were late by ${Math.round(lateMs)} ms`)
    stage.note(`${megabytes.toFixed(0)} MiB unread, gateway grew by ${((peak - before) / MEBIBYTE).toFixed(0)} MiB`)
    if (peak - before > MOST_GROWTH_BYTES) stage.problem(`a gateway grew by ${peak - before} bytes`)
    return async () => {
      for (const watcher of slow) watcher.readAgain()
      const deadline = performance.now() + 30_000
      const codes = (): number[] => slow.flatMap(({ closes }, index) => newCodes(closes, closesBefore[index]))
      while (codes().length === 0) {
        if (performance.now() > deadline) return stage.problem('the client that did not read was not closed')
        await sleep(20)
      }
      stage.note(`closed with ${codes().join(', ')}`)
    }
  },
}

const newCodes = (now: ReadonlyMap<number, number>, before: ReadonlyMap<number, number> | undefined): number[] =>
  [...now].filter(([code, count]) => count > (before?.get(code) ?? 0)).map(([code]) => code)

const sleeps: Fault = {
  name: 'clients sleep and wake',
  weight: 2,
  holdMs: 2_500,
  async strike({ clients }) {
    const [away, hanging] = [clients.named('sleeper'), [...clients.named('all-2'), ...clients.named('member-2')]]
    for (const watcher of away) watcher.sleep()
    for (const watcher of hanging) watcher.stopReading()
    return async () => {
      for (const watcher of away) watcher.wake()
      for (const watcher of hanging) watcher.readAgain()
    }
  },
}

export const clientFaults: readonly Fault[] = [stopsReading, sleeps]
