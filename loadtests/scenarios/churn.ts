/**
 * Beings that come into a space and leave it again, by their connection: a virtual user holds several. When the writing
 * is over all of them come back and stay, so that who is here at the end is known.
 */
import { setTimeout } from 'k6/timers'
import { WebSocket } from 'k6/websockets'
import { placeOf, type Plan } from './plan.ts'
import type { Run } from './run-setup.ts'
import { delay } from './watchers.ts'
import { helloLine, subscribeLine, SYNC_PATH } from './wire.ts'

const AGAIN_AFTER_MS = 300

export const CHURN_VUS = 4

export async function comeAndGo(plan: Plan, run: Run, vu: number): Promise<void> {
  const { staySeconds, awaySeconds } = plan.churn ?? { staySeconds: 1, awaySeconds: 1 }
  const untilAt = run.lastWriteAt + (2 * plan.settleSeconds + 2) * 1_000
  const mine = run.visitors.flatMap((session, i) => (i % CHURN_VUS === vu ? [{ session, i }] : []))
  await Promise.all(
    mine.map(async ({ session, i }) => {
      const { space, gateway } = placeOf(plan, i)
      const where = { gateway: plan.gateways[gateway] ?? '', space: run.spaces[space]?.id ?? '', token: session.token }
      await delay(run.firstWriteAt - Date.now() + ((staySeconds + awaySeconds) * 1_000 * i) / run.visitors.length)
      while (Date.now() < run.lastWriteAt) {
        const leave = come(where)
        await delay(staySeconds * 1_000)
        leave()
        await delay(Math.min(awaySeconds * 1_000, run.lastWriteAt - Date.now()))
      }
      const leave = come(where)
      await delay(untilAt - Date.now())
      leave()
    }),
  )
}

/** Is here until the function that it gives is called, also when the connection is closed from the other side. */
function come({ gateway, space, token }: { gateway: string; space: string; token: string }): () => void {
  let left = false
  let socket: WebSocket
  const connect = (): void => {
    const opened = new WebSocket(`${gateway.replace(/^http/, 'ws')}${SYNC_PATH}`)
    opened.addEventListener('open', () => {
      opened.send(helloLine(token))
      opened.send(subscribeLine(space, undefined, true))
    })
    opened.addEventListener('close', () => {
      if (!left) setTimeout(() => left || connect(), AGAIN_AFTER_MS)
    })
    socket = opened
  }
  connect()
  return () => {
    left = true
    socket.close(1000)
  }
}
