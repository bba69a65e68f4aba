/**
 * What a client holds of one space, by the rule of the contract alone (`from` is the version held, or the client must
 * resume), and what was wrong with what it was given.
 */
import type { Change, Intention, ServerFrame, SnapshotFrame } from '@rhizom/protocol'

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>

export class SpaceRecord {
  epoch: string | undefined
  version = 0
  /** Mutation ids in the order their changes were applied since the last snapshot of another epoch. */
  readonly mutations: string[] = []
  readonly intentions = new Map<string, Intention>()
  readonly violations: string[] = []
  snapshots = 0
  resumes = 0
  ended: { code: string } | undefined

  /** Applies a frame by the contract's rule. Returns false if the client must resume. */
  accept(frame: ServerFrame): boolean {
    switch (frame.type) {
      case 'snapshot':
        this.#replace(frame)
        return true
      case 'resumed':
        this.resumes += 1
        return this.#apply(frame, 'resumed')
      case 'changes':
        return this.#apply(frame, 'changes')
      case 'heartbeat':
        return true
      default:
        return true
    }
  }

  #replace(frame: SnapshotFrame): void {
    this.snapshots += 1
    if (this.epoch === frame.epoch && frame.version < this.version)
      this.violations.push(`a snapshot went back from ${this.version} to ${frame.version}`)
    this.epoch = frame.epoch
    this.version = frame.version
    this.intentions.clear()
    for (const intention of frame.intentions) this.intentions.set(intention.id, intention)
  }

  #apply(frame: Frame<'resumed'> | Frame<'changes'>, kind: string): boolean {
    if (frame.changes.length !== frame.to - frame.from)
      this.violations.push(`${kind} ${frame.from}-${frame.to} carries ${frame.changes.length} changes`)
    frame.changes.forEach((change, index) => {
      if (change.version !== frame.from + 1 + index)
        this.violations.push(`${kind} from ${frame.from} has version ${change.version} at ${index}`)
    })
    if (this.epoch !== frame.epoch || frame.from > this.version) {
      if (kind === 'resumed') this.violations.push(`resumed from ${frame.from} but held ${this.version}`)
      return false
    }
    for (const change of frame.changes) if (change.version > this.version) this.#step(change)
    return true
  }

  #step(change: Change): void {
    this.version = change.version
    this.mutations.push(change.mutation)
    if (change.kind === 'intention.put') this.intentions.set(change.body.id, change.body)
    if (change.kind === 'intention.remove') this.intentions.delete(change.body.id)
  }
}
