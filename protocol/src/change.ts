/**
 * One step of a space's log. A `put` carries the whole entity, so applying one twice is harmless and a reader needs
 * no earlier change to understand it; `intention.append` alone builds on what is there and is why order matters.
 */
import { z } from 'zod'
import { appendedTextSchema } from './content-schema.ts'
import { beingSchema, intentionSchema, memberSchema, spaceSchema, timeMsSchema } from './entity.ts'
import { beingIdSchema, intentionIdSchema, mutationIdSchema, spaceIdSchema } from './id.ts'
import { versionSchema } from './position.ts'

const header = {
  version: versionSchema.min(1),
  at: timeMsSchema.describe("The database's clock at commit"),
  actor: beingIdSchema,
  mutation: mutationIdSchema.describe('The mutation that caused it'),
}

export const changeSchema = z.discriminatedUnion('kind', [
  z.object({ ...header, kind: z.literal('space.put'), body: spaceSchema }),
  z.object({ ...header, kind: z.literal('space.remove'), body: z.object({ id: spaceIdSchema }) }),
  z.object({ ...header, kind: z.literal('being.put'), body: beingSchema }),
  z.object({ ...header, kind: z.literal('being.remove'), body: z.object({ id: beingIdSchema }) }),
  z.object({ ...header, kind: z.literal('intention.put'), body: intentionSchema }),
  z.object({
    ...header,
    kind: z.literal('intention.append'),
    body: z.object({
      id: intentionIdSchema,
      text: appendedTextSchema,
      until: timeMsSchema.optional().describe('Until when it renewed the claim that stands'),
    }),
  }),
  z.object({ ...header, kind: z.literal('intention.remove'), body: z.object({ id: intentionIdSchema }) }),
  z.object({ ...header, kind: z.literal('member.put'), body: memberSchema }),
  z.object({ ...header, kind: z.literal('member.remove'), body: z.object({ id: beingIdSchema }) }),
])
export type Change = z.infer<typeof changeSchema>
export type ChangeKind = Change['kind']

/** Kinds that can alter who may read the space: a gateway looks inside these and forwards the others unread. */
const ACCESS_KINDS: ReadonlySet<ChangeKind> = new Set(['space.put', 'space.remove', 'member.put', 'member.remove'])

/** Whether a change can alter who may read its space. */
export const altersAccess = (kind: ChangeKind): boolean => ACCESS_KINDS.has(kind)

/** Whether a change removes what earlier changes said. */
export const erasesWords = (kind: ChangeKind): boolean => kind === 'intention.remove'
