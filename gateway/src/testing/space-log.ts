/** For tests: a space's log as the api would hold it, the messages it publishes, and reads of it. */
import { encodeChangesMessage, type Change, parseSpaceMessage, type Position } from '@rhizom/protocol'
import { readersOf } from '../core/feed/access.ts'
import { openFrame } from '../core/feed/open-frame.ts'
import type { HeldSnapshot, LogAnswer } from '../core/feed/state.ts'
import { runFromMessage, encodeRun, type LooseChange, type Run } from '../core/feed/run.ts'

export const SPACE = '@lobby'
export const EPOCH = '00000000-0000-4000-8000-000000000001'
export const OTHER_EPOCH = '00000000-0000-4000-8000-000000000002'

export const change = (version: number, kind = 'being.remove', body: object = { id: `i${version}` }): LooseChange => ({
  version,
  kind,
  body: { ...body },
  at: 1,
  actor: '@ada',
})

/** The run `from+1 … to` as it comes from the bus. */
export function runOf(from: number, to: number, epoch = EPOCH, changes?: readonly LooseChange[]): Run {
  const list = changes ?? Array.from({ length: to - from }, (_, index) => change(from + index + 1))
  const message = parseSpaceMessage(encodeChangesMessage(SPACE, epoch, from, list as unknown as Change[]))
  const run = message.ok && message.value.kind === 'changes' ? runFromMessage(SPACE, message.value) : undefined
  if (run === undefined) throw new Error('not a run')
  return run
}

export const snapshotOf = (version: number, epoch = EPOCH): HeldSnapshot => ({
  epoch,
  version,
  frame: openFrame(JSON.stringify({ type: 'snapshot', space: SPACE, epoch, version })),
})

export const everybody = readersOf({ visibility: 'public', readers: [] })
export const only = (...beings: string[]) => readersOf({ visibility: 'private', readers: beings })

export const changesAnswer = (from: number, to: number, readers = everybody, epoch = EPOCH): LogAnswer => ({
  epoch,
  version: to,
  readers,
  catchUp: {
    kind: 'changes',
    from,
    run:
      to === from
        ? undefined
        : encodeRun(
            SPACE,
            epoch,
            from,
            Array.from({ length: to - from }, (_, index) => change(from + index + 1)),
          ),
  },
})

export const snapshotAnswer = (version: number, readers = everybody, epoch = EPOCH): LogAnswer => ({
  epoch,
  version,
  readers,
  catchUp: { kind: 'snapshot', snapshot: snapshotOf(version, epoch) },
})

/** A log that grows by commits, may be pruned, and may be rebuilt under another epoch. */
export class SpaceLog {
  epoch = EPOCH
  #epochs = 1
  #first = 0
  #changes: LooseChange[] = []
  #version = 0

  get version(): number {
    return this.#version
  }

  /** Commits some changes and gives the message that announces them. */
  commit(count: number): Run {
    const from = this.#version
    for (let i = 0; i < count; i++) this.#changes.push(change(++this.#version))
    return runOf(from, this.#version, this.epoch)
  }

  prune(keep: number): void {
    const drop = Math.max(0, this.#changes.length - keep)
    this.#changes.splice(0, drop)
    this.#first += drop
  }

  /** Another history, as after a restore from a backup. */
  rebuild(version: number): void {
    this.#epochs++
    this.epoch = `00000000-0000-4000-8000-${String(this.#epochs).padStart(12, '0')}`
    this.#version = version
    this.#first = version
    this.#changes = []
  }

  read(after: Position | undefined): LogAnswer {
    const reaches = after?.epoch === this.epoch && after.version >= this.#first && after.version <= this.#version
    return after !== undefined && reaches
      ? changesAnswer(after.version, this.#version, everybody, this.epoch)
      : snapshotAnswer(this.#version, everybody, this.epoch)
  }
}

/** The log's answer as bytes a client gets, decoded. */
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
