/** What a gateway's frames mean to the spaces they concern. A frame that concerns none means nothing here. */
import type { SnapshotFrame, SpaceId } from '@rhizom/protocol'
import type { IncomingFrame } from './incoming.ts'
import type { SpaceEvent } from './space-state.ts'
import { isTypingEnd, TYPING } from './typing-state.ts'

interface FrameEvent {
  space: SpaceId
  event: SpaceEvent
}

export function frameEventsOf(frame: IncomingFrame): FrameEvent[] {
  switch (frame.type) {
    case 'snapshot': {
      const event: SpaceEvent = {
        ...{ type: 'snapshotReceived', snapshot: snapshotOf(frame), roster: frame },
        resets: frame.reset === true,
      }
      return [{ space: frame.space, event }]
    }
    case 'resumed':
      return [{ space: frame.space, event: { type: 'resumedReceived', frame, roster: frame } }]
    case 'changes':
      return [{ space: frame.space, event: { type: 'changesReceived', frame } }]
    case 'presence':
      return [{ space: frame.space, event: { type: 'presenceReceived', frame } }]
    case 'signal': {
      const type = isTypingEnd(frame.data) ? 'typingEnded' : 'typingReceived'
      return frame.name === TYPING.signal ? [{ space: frame.space, event: { type, being: frame.from } }] : []
    }
    case 'unsubscribed':
      return [{ space: frame.space, event: { type: 'unsubscribed', code: frame.code, message: frame.message } }]
    case 'error': {
      const { space, code, message, retryAfterMs } = frame
      return space === undefined ? [] : [{ space, event: { type: 'subscribeFailed', code, message, retryAfterMs } }]
    }
    case 'heartbeat':
      return Object.entries(frame.heads).map(([space, version]) => ({
        space,
        event: { type: 'headReceived', version },
      }))
    case 'welcome':
    case 'goodbye':
    case 'pong':
    case 'work':
    case 'news':
      return []
    default:
      return frame satisfies never
  }
}

/** A snapshot frame as the snapshot it carries: there `space` is the id, here the space itself. */
const snapshotOf = ({ entity, epoch, version, beings, beingCount, intentions, hasMore, members }: SnapshotFrame) => ({
  space: entity,
  epoch,
  version,
  beings,
  beingCount,
  intentions,
  hasMore,
  members,
})
