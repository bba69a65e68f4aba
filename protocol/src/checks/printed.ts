/** Printed from the schemas by `node protocol/print/print.ts`; a test keeps the two equal. */
/* oxlint-disable max-lines -- nobody reads it line by line */
import type { z } from 'zod'
import type * as id from '../id.ts'
import type * as position from '../position.ts'
import type * as entity from '../entity.ts'
import type * as change from '../change.ts'
import type * as mutation from '../mutation.ts'
import type * as http from '../http.ts'
import type * as invite from '../invite.ts'
import type * as problemSchema from '../problem-schema.ts'
import type * as news from '../news.ts'
import type * as serverFrame from '../server-frame.ts'
import type * as clientFrame from '../client-frame.ts'
import {
  array,
  boolean,
  content,
  integer,
  jsonObject,
  matching,
  notBlank,
  nullable,
  object,
  oneOf,
  optional,
  record,
  storable,
  string,
  type Check,
  union,
  uuid,
  variants,
  withDefault,
} from './check.ts'

const beingId: Check<string> = matching(
  /^@[a-z0-9][a-z0-9-]{0,62}$/,
  'must look like @name: lower-case letters, digits, hyphens',
)

export const beingIdCheck: Check<z.infer<typeof id.beingIdSchema>> = beingId

export const spaceIdCheck: Check<z.infer<typeof id.spaceIdSchema>> = beingId

export const intentionIdCheck: Check<z.infer<typeof id.intentionIdSchema>> = uuid

export const mutationIdCheck: Check<z.infer<typeof id.mutationIdSchema>> = uuid

export const inviteIdCheck: Check<z.infer<typeof id.inviteIdSchema>> = uuid

export const versionCheck: Check<z.infer<typeof position.versionSchema>> = integer(0)

export const timeMsCheck: Check<z.infer<typeof entity.timeMsSchema>> = integer()

export const nameCheck: Check<z.infer<typeof entity.nameSchema>> = notBlank(storable(string(1, 200)))

export const visibilityCheck: Check<z.infer<typeof entity.visibilitySchema>> = oneOf('public', 'private')

export const roleCheck: Check<z.infer<typeof entity.roleSchema>> = oneOf('owner', 'member', 'viewer', 'banned')

export const spaceCheck: Check<z.infer<typeof entity.spaceSchema>> = object({
  id: beingId,
  name: storable(string(1, 200)),
  visibility: visibilityCheck,
  posting: optional(oneOf('everyone', 'members')),
  historyFrom: optional(versionCheck),
  epoch: uuid,
  version: versionCheck,
  createdAt: timeMsCheck,
})

export const beingCheck: Check<z.infer<typeof entity.beingSchema>> = object({
  id: beingId,
  type: oneOf('guest', 'bot', 'document', 'space'),
  name: storable(string(1, 200)),
  owner: nullable(beingId),
  location: nullable(beingId),
  metadata: jsonObject,
  properties: jsonObject,
  content: content,
  rev: versionCheck,
  createdAt: timeMsCheck,
  modifiedAt: timeMsCheck,
  lastSeenAt: nullable(timeMsCheck),
})

export const intentionCheck: Check<z.infer<typeof entity.intentionSchema>> = object({
  id: uuid,
  type: oneOf('utterance', 'error'),
  state: oneOf('draft', 'active', 'paused', 'complete', 'cancelled', 'failed'),
  owner: beingId,
  location: beingId,
  content: content,
  rev: versionCheck,
  createdAt: timeMsCheck,
  modifiedAt: timeMsCheck,
  replyTo: optional(nullable(uuid)),
  claim: optional(nullable(object({ by: beingId, fence: integer(1), until: integer() }))),
  attempt: optional(integer(1)),
  reason: optional(storable(string(1, 500))),
  former: optional(content),
})

export const memberCheck: Check<z.infer<typeof entity.memberSchema>> = object({ being: beingId, role: roleCheck })

export const presenceStateCheck: Check<z.infer<typeof entity.presenceStateSchema>> = jsonObject

export const hereCheck: Check<z.infer<typeof entity.hereSchema>> = object({
  being: beingId,
  state: jsonObject,
  since: timeMsCheck,
})

export const changeOptions = variants(
  'kind',
  { version: integer(1), at: timeMsCheck, actor: beingId, mutation: uuid },
  {
    'space.put': { body: spaceCheck },
    'space.remove': { body: object({ id: beingId }) },
    'being.put': { body: beingCheck },
    'being.remove': { body: object({ id: beingId }) },
    'intention.put': { body: intentionCheck },
    'intention.append': { body: object({ id: uuid, text: storable(string(1)), until: optional(timeMsCheck) }) },
    'intention.remove': { body: object({ id: uuid }) },
    'member.put': { body: memberCheck },
    'member.remove': { body: object({ id: beingId }) },
  },
)
export const changeCheck: Check<z.infer<typeof change.changeSchema>> = union('kind', changeOptions)

export const mutationOptions = variants(
  'name',
  { id: uuid },
  {
    'space.create': {
      space: beingId,
      args: object({
        name: nameCheck,
        visibility: optional(visibilityCheck),
        posting: optional(oneOf('everyone', 'members')),
      }),
    },
    'space.update': {
      space: beingId,
      args: object({
        name: optional(nameCheck),
        visibility: optional(visibilityCheck),
        posting: optional(oneOf('everyone', 'members')),
        history: optional(oneOf('show', 'hide')),
      }),
    },
    'space.remove': { space: beingId, args: object({}) },
    'being.create': {
      space: nullable(beingId),
      args: object({
        id: beingId,
        type: oneOf('guest', 'bot', 'document'),
        name: nameCheck,
        metadata: optional(jsonObject),
        properties: optional(jsonObject),
        content: optional(content),
      }),
    },
    'being.update': {
      space: nullable(beingId),
      args: object({
        id: beingId,
        name: optional(nameCheck),
        metadata: optional(jsonObject),
        properties: optional(jsonObject),
        content: optional(content),
      }),
    },
    'being.move': { space: nullable(beingId), args: object({ id: beingId }) },
    'being.expel': { space: beingId, args: object({ id: beingId }) },
    'being.remove': { space: nullable(beingId), args: object({ id: beingId }) },
    'intention.create': {
      space: beingId,
      args: object({
        id: uuid,
        type: oneOf('utterance', 'error'),
        content: content,
        state: optional(oneOf('draft', 'active', 'paused', 'complete', 'cancelled', 'failed')),
      }),
    },
    'intention.update': {
      space: beingId,
      args: object({
        id: uuid,
        content: optional(content),
        state: optional(oneOf('draft', 'active', 'paused', 'complete', 'cancelled', 'failed')),
        reason: optional(storable(string(1, 500))),
        fence: optional(integer(1)),
      }),
    },
    'intention.append': {
      space: beingId,
      args: object({ id: uuid, text: storable(string(1)), at: optional(integer(0)), fence: optional(integer(1)) }),
    },
    'intention.claim': {
      space: beingId,
      args: object({ id: uuid, leaseMs: integer(1), fence: optional(versionCheck) }),
    },
    'intention.retry': { space: beingId, args: object({ id: uuid }) },
    'intention.remove': { space: beingId, args: object({ id: uuid }) },
    'member.put': { space: beingId, args: object({ being: beingId, role: roleCheck }) },
    'member.remove': { space: beingId, args: object({ being: beingId }) },
  },
)
export const mutationCheck: Check<z.infer<typeof mutation.mutationSchema>> = union('name', mutationOptions)

export const mutationResultCheck: Check<z.infer<typeof mutation.mutationResultSchema>> = object({
  id: uuid,
  status: oneOf('applied', 'duplicate', 'rejected'),
  version: optional(versionCheck),
  error: optional(
    object({
      code: oneOf('not-found', 'forbidden', 'taken', 'wrong-space', 'too-large', 'last-owner', 'fenced', 'gap'),
      message: string(),
    }),
  ),
})

export const postMutationsAnswerCheck: Check<z.infer<typeof mutation.postMutationsAnswerSchema>> = object({
  results: array(mutationResultCheck),
})

export const postSessionAnswerCheck: Check<z.infer<typeof http.postSessionAnswerSchema>> = object({
  token: string(),
  expiresAt: timeMsCheck,
  being: beingCheck,
  renewal: optional(string()),
})

export const signInAnswerCheck: Check<z.infer<typeof http.signInAnswerSchema>> = object({
  guests: boolean,
  issuers: array(
    object({ issuer: string(), label: string(), clientId: string(), authorize: optional(string()), scope: string() }),
  ),
})

export const currentSessionAnswerCheck: Check<z.infer<typeof http.currentSessionAnswerSchema>> = object({
  being: beingCheck,
  expiresAt: timeMsCheck,
})

export const refreshSessionAnswerCheck: Check<z.infer<typeof http.refreshSessionAnswerSchema>> = postSessionAnswerCheck

export const listSpacesAnswerCheck: Check<z.infer<typeof http.listSpacesAnswerSchema>> = object({
  spaces: array(spaceCheck),
  nextCursor: nullable(string(1, 256)),
})

export const snapshotCheck: Check<z.infer<typeof http.snapshotSchema>> = object({
  space: spaceCheck,
  epoch: uuid,
  version: versionCheck,
  beings: array(beingCheck),
  beingCount: integer(0),
  intentions: array(intentionCheck),
  hasMore: boolean,
  members: optional(array(memberCheck)),
})

export const intentionsAnswerCheck: Check<z.infer<typeof http.intentionsAnswerSchema>> = object({
  intentions: array(intentionCheck),
  beings: array(beingCheck),
  hasMore: boolean,
})

export const beingsAnswerCheck: Check<z.infer<typeof http.beingsAnswerSchema>> = object({ beings: array(beingCheck) })

export const workAnswerCheck: Check<z.infer<typeof http.workAnswerSchema>> = object({ work: array(intentionCheck) })

export const postInviteAnswerCheck: Check<z.infer<typeof invite.postInviteAnswerSchema>> = object({
  invite: object({
    id: uuid,
    space: beingId,
    role: oneOf('member', 'viewer'),
    by: beingId,
    uses: integer(1),
    usesLeft: integer(0),
    createdAt: timeMsCheck,
    expiresAt: timeMsCheck,
  }),
  secret: string(),
})

export const listInvitesAnswerCheck: Check<z.infer<typeof invite.listInvitesAnswerSchema>> = object({
  invites: array(
    object({
      id: uuid,
      space: beingId,
      role: oneOf('member', 'viewer'),
      by: beingId,
      uses: integer(1),
      usesLeft: integer(0),
      createdAt: timeMsCheck,
      expiresAt: timeMsCheck,
    }),
  ),
})

export const acceptInviteAnswerCheck: Check<z.infer<typeof invite.acceptInviteAnswerSchema>> = object({
  space: beingId,
  version: optional(versionCheck),
})

export const problemCheck: Check<z.infer<typeof problemSchema.problemSchema>> = object({
  type: withDefault(string(), 'about:blank'),
  title: string(),
  status: integer(),
  code: string(),
  detail: string(),
  path: optional(string()),
  retryAfterMs: optional(integer()),
})

export const newsCheck: Check<z.infer<typeof news.newsSchema>> = object({
  version: versionCheck,
  unread: integer(0),
  mentions: integer(0),
})

export const newsAnswerCheck: Check<z.infer<typeof news.newsAnswerSchema>> = object({
  spaces: record(beingId, newsCheck),
  hasMore: boolean,
})

export const putReadAnswerCheck: Check<z.infer<typeof news.putReadAnswerSchema>> = object({
  version: versionCheck,
  unread: integer(0),
  mentions: integer(0),
})

export const serverFrameOptions = variants(
  'type',
  {},
  {
    welcome: { session: string(), being: beingId, heartbeatMs: integer(1) },
    snapshot: {
      epoch: uuid,
      version: versionCheck,
      beings: array(beingCheck),
      beingCount: integer(0),
      intentions: array(intentionCheck),
      hasMore: boolean,
      members: optional(array(memberCheck)),
      here: array(hereCheck),
      hereCount: integer(0),
      space: beingId,
      entity: spaceCheck,
      reset: optional(boolean),
    },
    resumed: {
      space: beingId,
      epoch: uuid,
      from: versionCheck,
      to: versionCheck,
      changes: array(changeCheck),
      here: array(hereCheck),
      hereCount: integer(0),
    },
    changes: { space: beingId, epoch: uuid, from: versionCheck, to: versionCheck, changes: array(changeCheck) },
    presence: {
      space: beingId,
      joined: array(hereCheck),
      left: array(beingId),
      updated: array(hereCheck),
      hereCount: integer(0),
      frozen: boolean,
    },
    signal: { space: beingId, from: beingId, name: string(), data: optional(jsonObject) },
    unsubscribed: { space: beingId, code: string(), message: string() },
    error: { code: string(), message: string(), space: optional(beingId), retryAfterMs: optional(integer(0)) },
    heartbeat: { at: timeMsCheck, heads: record(beingId, versionCheck), apiAway: optional(boolean) },
    goodbye: { reason: string(), reconnectAfterMs: integer(0) },
    pong: {},
    work: {},
    news: { spaces: record(beingId, nullable(newsCheck)), whole: optional(boolean), hasMore: optional(boolean) },
  },
)
export const serverFrameCheck: Check<z.infer<typeof serverFrame.serverFrameSchema>> = union('type', serverFrameOptions)

export const signalFrameCheck: Check<z.infer<typeof clientFrame.signalFrameSchema>> = object({
  type: oneOf('signal'),
  space: beingId,
  name: storable(string(1, 64)),
  data: optional(jsonObject),
})
