/**
 * What a subscriber of a live feed is answered: the changes since its position, a snapshot, a refusal, or nothing yet
 * because the log has to be read first. An answer always reaches exactly to the feed's position, so that whoever gets
 * it can follow from there.
 */
import { stay } from '@rhizom/machine'
import { type BeingId, type Epoch, type Position, place } from '@rhizom/protocol'
import { mayRead, type Readers } from './access.ts'
import {
  type Answer,
  type FeedEffect,
  type FeedStep,
  type LiveFeed,
  type LogAnswer,
  type Waiting,
  type WatcherId,
} from './state.ts'
import { runsAfter } from './ring.ts'
import { type Run, trimRun } from './run.ts'
import { doing } from './step.ts'

/** Epochs remembered to be over. */
const MAX_FORMER_EPOCHS = 8

/** What an unanswered subscriber needs. `level`: that the feed is as new as the log. */
export type Need = { kind: 'changes'; after: Position } | { kind: 'level' } | { kind: 'head' } | { kind: 'snapshot' }

export type AnswerOrNeed = { type: 'answered'; answer: Answer } | { type: 'needs'; need: Need }

/** A read of the log that was just answered, and its number. */
export interface FreshRead {
  answer: LogAnswer
  seq: number
}

const needs = (need: Need): AnswerOrNeed => ({ type: 'needs', need })

/**
 * A snapshot says as much as a read of the log begun when it was asked for would: one that was kept serves while it is
 * the head, and whoever asked before its read began gets it with the changes that came meanwhile.
 */
function snapshotFor(feed: LiveFeed, askedIn: number, read: FreshRead | undefined): AnswerOrNeed {
  const { snapshot, position, ring } = feed
  if (snapshot === undefined || snapshot.epoch !== position.epoch) return needs({ kind: 'snapshot' })
  if (snapshot.version > position.version) return needs({ kind: 'head' })
  if (snapshot.version < position.version && snapshot.readSeq <= askedIn) return needs({ kind: 'snapshot' })
  const tail = runsAfter(ring, feed.space, snapshot.version, position.version)
  if (tail === undefined) return needs({ kind: 'snapshot' })
  const source = read?.answer.catchUp.kind === 'snapshot' ? 'log' : 'cache'
  return { type: 'answered', answer: { kind: 'snapshot', snapshot, tail, source } }
}

/** The changes after a version, through the run just read where the ring alone does not reach back. */
function changesSince(feed: LiveFeed, after: number, read: FreshRead | undefined): readonly Run[] | undefined {
  const head = feed.position.version
  const held = runsAfter(feed.ring, feed.space, after, head)
  if (held !== undefined || read?.answer.catchUp.kind !== 'changes') return held
  const { run } = read.answer.catchUp
  if (run === undefined || place({ epoch: run.epoch, version: after }, run) === 'gap' || run.to <= after)
    return undefined
  const first = trimRun(feed.space, run, after)
  const rest = runsAfter(feed.ring, feed.space, run.to, head)
  return first === undefined || rest === undefined ? undefined : [first, ...rest]
}

/** What `waiting` can be answered from what the feed has. */
export function answerFor(feed: LiveFeed, waiting: Waiting, read?: FreshRead): AnswerOrNeed {
  const { position } = waiting
  const { epoch, version: head } = feed.position
  if (!mayRead(feed.readers, waiting.being)) return needs({ kind: 'level' })
  if (position === undefined) return snapshotFor(feed, waiting.readSeq, read)
  if (position.epoch !== epoch)
    return feed.formerEpochs.includes(position.epoch)
      ? snapshotFor(feed, waiting.readSeq, read)
      : needs({ kind: 'snapshot' })
  if (position.version > head) return needs({ kind: 'level' })
  const runs = changesSince(feed, position.version, read)
  if (runs === undefined) return needs({ kind: 'changes', after: position })
  const source = read === undefined ? 'ring' : 'log'
  return { type: 'answered', answer: { kind: 'resumed', epoch, from: position.version, to: head, runs, source } }
}

/** Whether a read shows that a position leads nowhere: the log lacks it, or knows less than it claims. */
const leadsNowhere = (position: Position, { answer }: FreshRead): boolean =>
  position.epoch !== answer.epoch || answer.catchUp.kind === 'snapshot' || position.version > answer.version

const isRefused = (feed: LiveFeed, read: FreshRead, being: BeingId): boolean => {
  const may = (readers: Readers): boolean => mayRead(readers, being)
  return !may(feed.readers) && !may(read.answer.readers)
}

export const withFormerEpoch = (epochs: readonly Epoch[], current: Epoch, epoch: Epoch): readonly Epoch[] =>
  epoch === current || epochs.includes(epoch) ? epochs : [...epochs, epoch].slice(-MAX_FORMER_EPOCHS)

/** Answers those that the feed can serve, refuses those that `read` shows without access, leaves the others waiting. */
export function answerWaiting(feed: LiveFeed, read: FreshRead | undefined): FeedStep<LiveFeed> {
  if (feed.waiting.length === 0) return stay(feed)
  const still: Waiting[] = []
  const refusals: FeedEffect[] = []
  const groups = new Map<string, { watchers: WatcherId[]; answer: Answer }>()
  let { formerEpochs } = feed
  for (const asked of feed.waiting) {
    let waiting = asked
    let found = answerFor(feed, waiting, read)
    if (found.type === 'needs' && read !== undefined && asked.readSeq < read.seq) {
      if (isRefused(feed, read, asked.being)) {
        refusals.push({ type: 'refuse', watcher: asked.watcher, refusal: { code: 'not-found' } })
        continue
      }
      if (asked.position !== undefined && leadsNowhere(asked.position, read)) {
        formerEpochs = withFormerEpoch(formerEpochs, feed.position.epoch, asked.position.epoch)
        waiting = { ...asked, position: undefined }
        found = answerFor(feed, waiting, read)
      }
    }
    if (found.type === 'needs') {
      still.push(waiting)
      continue
    }
    const key = found.answer.kind === 'snapshot' ? 'snapshot' : String(found.answer.from)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { watchers: [asked.watcher], answer: found.answer })
    else group.watchers.push(asked.watcher)
  }
  const answers = [...groups.values()].map((group): FeedEffect => ({ type: 'answer', ...group }))
  return doing({ ...feed, waiting: still, formerEpochs }, ...refusals, ...answers)
}
