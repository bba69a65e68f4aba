/**
 * Claims: who carries an intention out, until when, and who may stop or retry it (protocol/src/claim.ts has the
 * picture). The being that holds a claim renews it by asking again, or by appending, without more. Two copies of a bot
 * are one being, though: they ask for their first claim with fence 0, which nobody gets while one stands, and name
 * their fence from then on, so that neither is taken for the other.
 */
import {
  type BeingId,
  type Claim,
  type Content,
  type Intention,
  type IntentionState,
  type Space,
  TIMES,
} from '@rhizom/protocol'
import { accept, type Decision, type Of, reject } from './decision.ts'
import { mayModerate, mayWrite } from './permission.ts'
import type { KeptOfIntention, Unread } from './kept.ts'
import type { WorldReader } from './world-reader.ts'

/** Named as the fence of a claim that is wanted only if nobody holds one. */
const IF_FREE = 0

/** Its owner and the owner of that being, while they may write there. */
export function mayCarryOut(world: WorldReader, space: Space, intention: Intention, actor: BeingId): boolean {
  if (!mayWrite(world, space, actor)) return false
  return intention.owner === actor || world.being(intention.owner)?.owner === actor
}

/** Whoever asked, whoever moderates the space, and the owner of the bot. */
export function mayStop(world: WorldReader, space: Space, intention: Intention, actor: BeingId): boolean {
  if (mayModerate(world, space, actor) || world.being(intention.owner)?.owner === actor) return true
  const { replyTo } = intention
  return replyTo !== null && replyTo !== undefined && world.intention(replyTo)?.owner === actor
}

/** Whether somebody holds the claim that stands, and needs no fence to go on with it. */
export const isHeldBy = ({ claim: standing }: Intention, actor: BeingId): boolean => standing?.by === actor

/** Why a write under the claim that stands, or under none, is refused; undefined if it is not. */
export function findFenced(intention: Intention, fence: number | undefined): Decision | undefined {
  const standing = intention.claim?.fence
  if (standing === fence) return undefined
  const why = fence === undefined ? 'it is claimed: name the fence' : `the claim ${fence} does not stand any more`
  return reject('fenced', why)
}

export function claim(
  world: WorldReader,
  space: Space,
  intention: Intention,
  { args }: Of<'intention.claim'>,
  { actor, at }: { actor: BeingId; at: number },
): Decision {
  if (!mayCarryOut(world, space, intention, actor)) return reject('forbidden', `may not carry out ${intention.id}`)
  const leaseMs = Math.min(args.leaseMs, TIMES.maxLeaseMs)
  const until = at + leaseMs
  const put = (claimed: Claim, more: KeptOfIntention): Decision =>
    accept({
      kind: 'intention.put',
      log: space.id,
      intention: { ...intention, state: 'active', claim: claimed, modifiedAt: at },
      kept: { ...more, leaseMs },
    })
  const { claim: standing } = intention
  const fence = args.fence ?? (isHeldBy(intention, actor) ? standing?.fence : undefined)
  if (fence !== undefined && fence !== IF_FREE) {
    if (standing?.fence !== fence) return reject('fenced', `the claim ${fence} does not stand any more`)
    return put({ ...standing, until }, {})
  }
  if (hasClaim(intention)) return reject('taken', `${intention.id} is claimed already`)
  if (intention.state !== 'draft') return reject('taken', `${intention.id} is ${intention.state}: nothing to claim`)
  // The op below makes the next version of this log.
  return put({ by: actor, fence: space.version + 1, until }, isReply(intention) ? {} : { base: intention.content })
}

const isReply = ({ replyTo }: Intention): boolean => replyTo !== null && replyTo !== undefined
export const hasClaim = ({ claim: standing }: Intention): boolean => standing !== null && standing !== undefined

const ENDS: ReadonlySet<IntentionState> = new Set(['complete', 'failed', 'cancelled'])

/** What an update makes of an intention. Under a claim the draft hands it back, and whatever does not end it renews. */
export function updated(
  intention: Intention,
  { content, state = intention.state, reason }: Of<'intention.update'>['args'],
  at: number,
  kept: KeptOfIntention | undefined,
): Intention {
  const { reason: formerReason, former, claim: standing, ...rest } = intention
  const why = state === 'failed' ? (reason ?? formerReason) : undefined
  const told = why === undefined ? {} : { reason: why }
  if (standing !== null && standing !== undefined && state === 'draft')
    return { ...handedBack(intention, at, kept), ...(content === undefined ? {} : { content }) }
  return {
    ...rest,
    ...told,
    ...(former === undefined || state === 'complete' ? {} : { former }),
    content: content ?? intention.content,
    state,
    claim: standing === null || standing === undefined || ENDS.has(state) ? null : renewed(standing, at, kept),
    modifiedAt: at,
  }
}

export const renewed = (standing: Claim, at: number, kept: KeptOfIntention | undefined): Claim => ({
  ...standing,
  until: Math.max(standing.until, at + (kept?.leaseMs ?? 0)),
})

/** Nobody carries it out: what was written goes, and is kept apart. */
function handedBack(intention: Intention, at: number, kept: KeptOfIntention | undefined): Intention {
  const { reason: _reason, ...rest } = intention
  const content = contentBefore(intention, kept)
  const written = writtenIn(intention.content).length > writtenIn(content).length
  return {
    ...rest,
    ...(written ? { former: intention.content } : {}),
    content,
    state: 'draft',
    claim: null,
    modifiedAt: at,
  }
}

/** What stood there when it was claimed last. A reply begins with nothing. */
function contentBefore(intention: Intention, kept: KeptOfIntention | undefined): Content {
  if (isReply(intention)) return []
  return kept?.leaseMs === undefined ? intention.content : (kept.base ?? [])
}

/** Stops what is waiting or under way, without its fence. */
export function stop(space: Space, intention: Intention, at: number): Decision {
  if (intention.state === 'cancelled') return accept()
  const args = { id: intention.id, state: 'cancelled' } as const
  return accept({ kind: 'intention.put', log: space.id, intention: updated(intention, args, at, undefined) })
}

/** Whether a mutation is what those who may stop an intention ask, and it can still be stopped. */
export function isStop(intention: Intention, { args }: Of<'intention.update'>): boolean {
  const asksForIt = args.state === 'cancelled' && args.content === undefined && args.fence === undefined
  return asksForIt && intention.state !== 'complete' && intention.state !== 'failed'
}

/** Begins anew what failed or was stopped. What is waiting or under way stays as it is. */
export function retry(
  world: WorldReader,
  space: Space,
  intention: Intention,
  { actor, at }: { actor: BeingId; at: number },
): Decision {
  if (!mayStop(world, space, intention, actor) && !mayCarryOut(world, space, intention, actor))
    return reject('forbidden', `may not retry ${intention.id}`)
  switch (intention.state) {
    case 'draft':
    case 'active':
    case 'paused':
      return accept()
    case 'complete':
      return reject('forbidden', `${intention.id} is complete`)
    case 'failed':
    case 'cancelled': {
      const again = { ...handedBack(intention, at, world.kept?.(intention.id)), attempt: 1 }
      return accept({ kind: 'intention.put', log: space.id, intention: again })
    }
    default:
      return intention.state satisfies never
  }
}

/** What becomes of an intention whose lease has run out; undefined while it runs, or where there is none. */
export function afterLease(
  intention: Intention,
  kept: KeptOfIntention | undefined,
  at: number,
  maxAttempts: number,
): Intention | undefined {
  const { claim: standing, attempt = 1 } = intention
  if (standing === null || standing === undefined || standing.until > at) return undefined
  if (attempt < maxAttempts) return { ...handedBack(intention, at, kept), attempt: attempt + 1 }
  const reason = `Given up after ${attempt === 1 ? 'one attempt' : `${attempt} attempts`}: nobody carried it to its end`
  return { ...intention, state: 'failed', claim: null, reason, modifiedAt: at }
}

/** The text of some content: what `at` of an append counts. */
export const writtenIn = (content: Content): string => content.filter((node) => typeof node === 'string').join('')

/** How an append meets the text that is there: it comes next, is there already, or does not fit. */
export function placeOfAppend(
  content: Content,
  text: string,
  at: number | undefined,
  unread: Unread | undefined,
): 'next' | 'repeat' | 'gap' {
  if (at === undefined) return 'next'
  const place = at - (unread?.length ?? 0)
  const written = writtenIn(content)
  if (place === written.length) return 'next'
  if (place < 0) throw new Error('what it is compared with was not read')
  return written.startsWith(text, place) ? 'repeat' : 'gap'
}
