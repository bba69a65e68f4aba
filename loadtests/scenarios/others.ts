/**
 * Clients that are not k6's: those of server-sent events, which k6 can only read to their end, and those that read as
 * slowly as they please, which k6 never does. A companion has them (companion/main.ts), by the same oracle; here it is
 * told whom to be, and what it found goes into the same measures.
 */
import http from 'k6/http'
import { measures } from './measures.ts'
import { placeOf, type Plan } from './plan.ts'
import { textOf } from './rest.ts'
import type { Run } from './run-setup.ts'
import { delay, finishedLogs } from './watchers.ts'

export type OtherKind = 'sse' | 'polling' | 'slow'

export interface OtherClient {
  kind: OtherKind
  gateway: string
  api: string
  token: string
  space: string
  begins: { epoch: string; version: number }
}

export interface Finish {
  /** The short names of the log after the beginning, by space. */
  logs: Record<string, number[]>
  withinMs: number
}

export interface OtherFindings {
  checked: number
  owed: number
  seen: number
  bySnapshot: number
  lost: number
  disorders: number
  duplicates: number
  notUnderstood: number
  reconnects: number
  slowClosed: number
  /** Milliseconds from commit to handler. */
  delays: { sse: number[]; polling: number[] }
}

const asked = { headers: { 'content-type': 'application/json' }, timeout: '180s' }

export async function letOthersWatch(plan: Plan, run: Run): Promise<void> {
  const { sse = 0, polling = 0, slow = 0 } = plan.others ?? {}
  const kinds: OtherKind[] = [
    ...Array<OtherKind>(sse).fill('sse'),
    ...Array<OtherKind>(polling).fill('polling'),
    ...Array<OtherKind>(slow).fill('slow'),
  ]
  const clients = kinds.flatMap((kind, i): OtherClient[] => {
    const { space, gateway } = placeOf(plan, i)
    const place = run.spaces[space]
    const token = run.others[i]?.token
    if (place === undefined || token === undefined) return []
    const where = { gateway: plan.gateways[gateway] ?? '', api: plan.api[i % plan.api.length] ?? '' }
    return [{ kind, ...where, token, space: place.id, begins: { epoch: place.epoch, version: place.version } }]
  })
  const companion = plan.companion ?? ''
  await http.asyncRequest('POST', `${companion}/watch`, JSON.stringify({ clients }), asked)
  await delay(run.lastWriteAt - Date.now())
  const logs = await finishedLogs(plan, run, new Map(run.spaces.map((place) => [place, run.writers[0]?.token ?? ''])))
  const finish: Finish = { logs: Object.fromEntries(logs), withinMs: plan.settleSeconds * 1_000 }
  const answer = await http.asyncRequest('POST', `${companion}/finish`, JSON.stringify(finish), asked)
  if (answer.status !== 200) throw new Error(`the companion: ${answer.status} ${answer.error} ${textOf(answer)}`)
  const found = (name: keyof OtherFindings): number => Number(answer.json(name))
  const times = (name: string): number[] => {
    const all = answer.json(`delays.${name}`)
    return Array.isArray(all) ? all.map(Number) : []
  }
  measures.changesOwed.add(found('owed'))
  measures.changesSeen.add(found('seen'))
  measures.changesBySnapshot.add(found('bySnapshot'))
  measures.changesLost.add(found('lost'))
  measures.orderViolations.add(found('disorders'))
  measures.duplicates.add(found('duplicates'))
  measures.notUnderstood.add(found('notUnderstood'))
  measures.reconnects.add(found('reconnects'))
  measures.slowClosed.add(found('slowClosed'))
  for (const ms of times('sse')) measures.commitToSse.add(ms)
  for (const ms of times('polling')) measures.commitToPoll.add(ms)
  measures.othersChecked.add(found('checked'))
}
