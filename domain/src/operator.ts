/**
 * Whoever runs the system, deciding: as an owner of every space, to whom every being belongs as well. It is no being
 * and stands nowhere but in the log, as the actor of what it changed; nobody signs in by its name.
 */
import type { Being, BeingId } from '@rhizom/protocol'
import type { WorldReader } from './world-reader.ts'

export const OPERATOR: BeingId = '@operator'

const being: Being = {
  ...{ id: OPERATOR, type: 'bot', name: 'Operator', owner: null, location: null, metadata: {}, properties: {} },
  ...{ content: [], rev: 0, createdAt: 0, modifiedAt: 0, lastSeenAt: null },
}

/** A world as an operator finds it. Owners are counted as they are: a space keeps one of its own. */
export const asOperator = (world: WorldReader): WorldReader => ({
  ...world,
  being: (id) => (id === OPERATOR ? being : world.being(id)),
  role: (space, id) => (id === OPERATOR ? 'owner' : world.role(space, id)),
  mayChangeAll: (id) => id === OPERATOR,
})
