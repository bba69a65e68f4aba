/** What a client without a socket has subscribed to, and where it stands in each: what it asks for next time. */
import { parseClientLine, type Position, type ServerFrame } from '@rhizom/protocol'

export class Subscriptions {
  readonly spaces = new Map<string, { position: Position | undefined; present: boolean; isAnswered: boolean }>()

  /** True if something else is to be asked for now. */
  take(frames: readonly object[]): boolean {
    let isNew = false
    for (const frame of frames) {
      const parsed = parseClientLine(JSON.stringify(frame))
      if (!parsed.ok) throw new Error(`a frame that the contract does not know: ${parsed.problem}`)
      const { value } = parsed
      if (value.type === 'hello') isNew = true
      else if (value.type === 'unsubscribe') isNew = this.spaces.delete(value.space) || isNew
      else if (value.type === 'subscribe') {
        const { space, epoch, after, present = true } = value
        const position = epoch === undefined || after === undefined ? undefined : { epoch, version: after }
        this.spaces.set(space, { position, present, isAnswered: false })
        isNew = true
      }
    }
    return isNew
  }

  note(frame: ServerFrame): void {
    if (frame.type !== 'snapshot' && frame.type !== 'resumed' && frame.type !== 'changes') return
    const subscription = this.spaces.get(frame.space)
    if (subscription === undefined) return
    const version = frame.type === 'snapshot' ? frame.version : frame.to
    subscription.position = { epoch: frame.epoch, version }
    if (frame.type !== 'changes') subscription.isAnswered = true
  }

  query(): string {
    const query = new URLSearchParams()
    for (const [space, { position, present }] of this.spaces) {
      query.append('space', space)
      if (position !== undefined) {
        query.append('epoch', position.epoch)
        query.append('after', String(position.version))
      }
      query.append('present', String(present))
    }
    return query.size === 0 ? '' : `?${query.toString()}`
  }
}
