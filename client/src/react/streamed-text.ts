/**
 * Which changes of a space only add to text that somebody is writing, as a bot does many times a second, and whether
 * there is a screen that would show them: such changes can wait for its next frame, and nothing else waits.
 */
import type { Intention, MutationId } from '@rhizom/protocol'
import type { SpaceContent } from '../core/space-content.ts'
import type { SpaceState } from '../core/space-state.ts'

/** A page that is not in view has no frames, and no more has a server: there everything is told at once. */
export const isDrawing = (): boolean =>
  typeof requestAnimationFrame === 'function' && document.visibilityState !== 'hidden'

/** Whether the next state says nothing new beside more of what was being written. */
export function onlyStreams(before: SpaceState | undefined, after: SpaceState): boolean {
  const [from, to] = [before?.content, after.content]
  if (before === undefined || from === undefined || to === undefined) return false
  return (
    isSameIn(before, after, ['subscription', 'older', 'presence', 'own', 'typing']) &&
    isSameIn(from, to, ['space', 'beings', 'beingCount', 'hasMore', 'members']) &&
    from.position.epoch === to.position.epoch &&
    from.intentions !== to.intentions &&
    areSameMarks(from.pending, to.pending) &&
    from.intentions.length === to.intentions.length &&
    to.intentions.every((one, index) => isSameOrGrown(from.intentions[index], one, to.pending?.[one.id]))
  )
}

const isSameIn = <T extends object>(a: T, b: T, names: readonly (keyof T)[]): boolean =>
  names.every((name) => a[name] === b[name])

/** What is pending is replayed at each change, and is the same as long as its marks are. */
const isSameOrGrown = (a: Intention | undefined, b: Intention, mark: readonly MutationId[] | undefined): boolean =>
  a === b || (a?.id === b.id && (mark !== undefined || (a.state === 'active' && b.state === 'active')))

const areSameMarks = (a: SpaceContent['pending'], b: SpaceContent['pending']): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b)
