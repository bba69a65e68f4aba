/**
 * What a run begins with: sessions (made, or of the tokens that were given), its spaces, and where each of them stands.
 */
import encoding from 'k6/encoding'
import { actorsOf, creatorOf, type Plan, spacesOf } from './plan.ts'
import { apply, openSessions, readSpace, type Session, type SpacePlace } from './rest.ts'
import { uuidV7 } from './wire.ts'

export interface Run {
  spaces: SpacePlace[]
  writers: Session[]
  clients: Session[]
  /** Those who come and go. */
  visitors: Session[]
  others: Session[]
  firstWriteAt: number
  lastWriteAt: number
}

export const newId = (): string => uuidV7(Date.now(), Math.random)

/** The token's subject is who it is of; nothing else of it is of interest here. */
function sessionOf(token: string): Session {
  const payload: unknown = JSON.parse(encoding.b64decode(token.split('.')[1] ?? '', 'rawurl', 's'))
  const sub = typeof payload === 'object' && payload !== null && 'sub' in payload ? payload.sub : undefined
  if (typeof sub !== 'string') throw new Error('a token that was given names nobody')
  return { token, being: sub }
}

/** Sessions in the order they are asked for: new guests, or those of the tokens, over and over. */
function sessionSource(plan: Plan, tokens: readonly string[]): (prefix: string, count: number) => Session[] {
  let next = 0
  return (prefix, count) => {
    if (tokens.length === 0)
      return openSessions(
        plan.api[0] ?? '',
        Array.from({ length: count }, (_, i) => `${prefix} ${i + 1}`),
      )
    return Array.from({ length: count }, () => sessionOf(tokens[next++ % tokens.length] ?? ''))
  }
}

export function setUp(plan: Plan, tokens: readonly string[]): Run {
  const api = plan.api[0] ?? ''
  const sessions = sessionSource(plan, tokens)
  const { sse = 0, polling = 0, slow = 0 } = plan.others ?? {}
  const writers = sessions('Writer', plan.writers)
  const visitors = sessions('Visitor', actorsOf(plan) - plan.writers)
  const clients = sessions('Client', plan.clients)
  const others = sessions('Client', sse + polling + slow)
  const reader = writers[0]
  if (reader === undefined) throw new Error('no writer')

  const ids = Array.from({ length: plan.spaces }, (_, i) => `@load-${plan.run}-${i + 1}`)
  for (const [i, space] of ids.entries()) {
    const args = { name: `Load ${plan.run} ${i + 1}`, visibility: 'public' }
    const creator = writers[creatorOf(plan, i)] ?? reader
    apply(api, creator.token, { id: newId(), space, name: 'space.create', args })
  }
  for (const [i, writer] of writers.entries()) {
    const space = ids[spacesOf(plan, i)[0] ?? 0] ?? ''
    apply(api, writer.token, { id: newId(), space, name: 'being.move', args: { id: writer.being } })
  }
  const spaces = ids.map((id) => readSpace(api, reader.token, id))
  const firstWriteAt = Date.now() + plan.connectSeconds * 1_000
  const lastWriteAt = firstWriteAt + plan.durationSeconds * 1_000
  return { spaces, writers, clients, visitors, others, firstWriteAt, lastWriteAt }
}
