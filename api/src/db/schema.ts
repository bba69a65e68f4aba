/**
 * The tables and their indexes, from which drizzle-kit makes the migrations. What their rows hold, and what they and
 * their columns are called, is said here and nowhere else. Queries stand beside the code that asks (read/, write/): in
 * the words of drizzle's builder (query.ts) where that says what is meant, in SQL with names from here (names.ts) where
 * pages are cut in the database, rows are locked, or many rows are written at once. Each names the index it stands on,
 * and query-plans.int.test.ts holds them to it.
 *
 * There are no foreign keys on purpose. Each would make every insert lock the parent row for sharing, across spaces:
 * writers of different spaces would meet on a popular being's row. What a foreign key would refuse is decided under the
 * space's lock instead (@rhizom/domain), by the one writer there is.
 */
import type {
  BeingId,
  Content,
  Epoch,
  IntentionId,
  InviteId,
  JsonObject,
  MutationId,
  SessionId,
  SpaceId,
} from '@rhizom/protocol'
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/** Milliseconds are what the protocol carries; finer times would not survive the round trip. */
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
/**
 * What a row weighs as text, which is as what it is read: kept by Postgres with the row, whoever writes it. Reading
 * adds numbers up and looks at nothing else, so that what is within its limit as it was sent and long as it is printed
 * (a thousand times 1e308) makes no space slow to read.
 */
const bytesOf = (...columns: string[]) =>
  integer('bytes')
    .notNull()
    .generatedAlwaysAs(sql.raw(columns.map((name) => `coalesce(octet_length(${name}::text), 0)`).join(' + ')))
const version = (name: string) => bigint(name, { mode: 'number' })

/**
 * The row whose lock orders the writes of a space. A removed space keeps it, so that its last version can be announced.
 */
export const spaces = pgTable(
  'spaces',
  {
    id: text('id').$type<SpaceId>().primaryKey(),
    name: text('name').notNull(),
    visibility: text('visibility', { enum: ['public', 'private'] }).notNull(),
    posting: text('posting', { enum: ['everyone', 'members'] })
      .notNull()
      .default('everyone'),
    /** Intentions up to this version are not shown. */
    historyFrom: version('history_from').notNull().default(0),
    epoch: uuid('epoch').$type<Epoch>().notNull(),
    version: version('version').notNull(),
    createdAt: time('created_at').notNull(),
    /** Exact to a second only: written less often than the version, so that most updates touch no index. */
    changedAt: time('changed_at').notNull(),
    removedAt: time('removed_at'),
    /** Whose its address stays for a while. */
    removedBy: text('removed_by').$type<BeingId>(),
    /** Whether it is in everybody's list while it is public. */
    isListed: boolean('is_listed').notNull().default(true),
  },
  (table) => [
    index('spaces_changed_at').on(table.changedAt),
    index('spaces_listed').on(table.id).where(sql`visibility = 'public' and removed_at is null and is_listed`),
  ],
)

/** A removed being keeps its row, emptied: whoever took its id again would inherit its rights. */
export const beings = pgTable(
  'beings',
  {
    id: text('id').$type<BeingId>().primaryKey(),
    type: text('type', { enum: ['guest', 'bot', 'document', 'space'] }).notNull(),
    name: text('name').notNull(),
    owner: text('owner').$type<BeingId>(),
    location: text('location').$type<SpaceId>(),
    metadata: jsonb('metadata').$type<JsonObject>().notNull(),
    properties: jsonb('properties').$type<JsonObject>().notNull(),
    content: jsonb('content').$type<Content>().notNull(),
    rev: version('rev').notNull(),
    createdAt: time('created_at').notNull(),
    modifiedAt: time('modified_at').notNull(),
    lastSeenAt: time('last_seen_at'),
    bytes: bytesOf('metadata', 'properties', 'content'),
    removedAt: time('removed_at'),
  },
  (table) => [
    index('beings_lately_active').on(table.location, table.modifiedAt.desc().nullsFirst(), table.id),
    index('beings_by_location').on(table.location, table.id),
    index('beings_guests_located')
      .on(sql`greatest(last_seen_at, modified_at)`)
      .where(sql`type = 'guest' and location is not null`),
    index('beings_by_owner').on(table.owner, table.type).where(sql`owner is not null`),
    // Guests that never were anywhere, for those who are to be forgotten.
    index('beings_guests_silent')
      .on(sql`greatest(last_seen_at, modified_at)`)
      .where(sql`type = 'guest' and location is null and rev = 0 and removed_at is null`),
    index('beings_bots').on(table.location, table.id).where(sql`type = 'bot'`),
    index('beings_removed').on(table.removedAt, table.id).where(sql`removed_at is not null`),
  ],
)

/**
 * `position` is the version that created it: the order of the conversation, unique within a space. `chain`, `leaseMs`
 * and `base` are kept beside it and told to nobody (@rhizom/domain, KeptOfIntention).
 */
export const intentions = pgTable(
  'intentions',
  {
    id: uuid('id').$type<IntentionId>().primaryKey(),
    type: text('type', { enum: ['utterance', 'error'] }).notNull(),
    state: text('state', { enum: ['draft', 'active', 'paused', 'complete', 'cancelled', 'failed'] }).notNull(),
    owner: text('owner').$type<BeingId>().notNull(),
    location: text('location').$type<SpaceId>().notNull(),
    content: jsonb('content').$type<Content>().notNull(),
    rev: version('rev').notNull(),
    position: version('position').notNull(),
    createdAt: time('created_at').notNull(),
    modifiedAt: time('modified_at').notNull(),
    replyTo: uuid('reply_to').$type<IntentionId>(),
    attempt: integer('attempt').notNull().default(1),
    reason: text('reason'),
    former: jsonb('former').$type<Content>(),
    claimBy: text('claim_by').$type<BeingId>(),
    claimFence: version('claim_fence'),
    /** In no index: each append renews it, and must not touch one. */
    claimUntil: time('claim_until'),
    leaseMs: integer('lease_ms'),
    base: jsonb('base').$type<Content>(),
    chain: integer('chain').notNull().default(0),
    /** Whom the content mentions, for counting (read/news.ts): beyond MAX_MENTIONS nobody. */
    mentions: text('mentions').array().$type<BeingId[]>().notNull().default([]),
    /** What was appended to the content since it was written whole (write/unread.ts). */
    tail: text('tail').notNull().default(''),
    /** How long its text is with that, in code units, and its content as JSON; null where only reading it tells. */
    nextAt: integer('next_at'),
    contentBytes: integer('content_bytes'),
    /** Without the tail, or each append would have all of it weighed. */
    bytes: bytesOf('content', 'former'),
  },
  (table) => [
    uniqueIndex('intentions_by_position').on(table.location, table.position),
    index('intentions_by_owner').on(table.owner, table.id),
    index('intentions_waiting').on(table.owner, table.createdAt, table.id).where(sql`state = 'draft'`),
    index('intentions_claimed').on(table.location, table.id).where(sql`claim_by is not null`),
  ],
)

export const members = pgTable(
  'members',
  {
    space: text('space').$type<SpaceId>().notNull(),
    being: text('being').$type<BeingId>().notNull(),
    role: text('role', { enum: ['owner', 'member', 'viewer', 'banned'] }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.space, table.being] }),
    index('members_by_being').on(table.being, table.space),
    index('members_owners').on(table.space, table.being).where(sql`role = 'owner'`),
  ],
)

/**
 * How far a being has read a space. `at` is when that was marked: a mark that is older than its space is of a former
 * one of that id, and counts for nothing.
 */
export const reads = pgTable(
  'reads',
  {
    being: text('being').$type<BeingId>().notNull(),
    space: text('space').$type<SpaceId>().notNull(),
    version: version('version').notNull(),
    at: time('at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.being, table.space] }),
    index('reads_by_space').on(table.space),
    index('reads_lately').on(table.being, table.at.desc().nullsFirst()),
  ],
)

/** The log. The epoch is part of the key, since an id that is used again begins a new history at version 1. */
export const changes = pgTable(
  'changes',
  {
    space: text('space').$type<SpaceId>().notNull(),
    epoch: uuid('epoch').$type<Epoch>().notNull(),
    version: version('version').notNull(),
    kind: text('kind').notNull(),
    actor: text('actor').$type<BeingId>().notNull(),
    mutation: uuid('mutation').$type<MutationId>().notNull(),
    body: jsonb('body').notNull(),
    bytes: bytesOf('body'),
    at: time('at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.space, table.epoch, table.version] }),
    // For pruning by age: a few pages for the whole log, as it grows in the order of time.
    index('changes_at').using('brin', table.at),
    // For the name and the content of a being that is erased.
    index('changes_of_beings').on(sql`(body ->> 'id')`).where(sql`kind = 'being.put'`),
    // For the words of an intention that is removed.
    index('changes_with_words')
      .on(table.space, sql`(body ->> 'id')`)
      .where(sql`kind in ('intention.put', 'intention.append')`),
  ],
)

/** The ledger of idempotency, written in the transaction of the effect it records. */
export const mutations = pgTable(
  'mutations',
  {
    actor: text('actor').$type<BeingId>().notNull(),
    id: uuid('id').$type<MutationId>().notNull(),
    status: text('status', { enum: ['applied', 'rejected'] }).notNull(),
    version: version('version'),
    code: text('code'),
    message: text('message'),
    at: time('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.actor, table.id] }), index('mutations_at').using('brin', table.at)],
)

/**
 * Who signed in, until that is ended. `family` and `secret` are digests of what renews it, `former` is that of the one
 * which was used last (http/renewal.ts). An id is text, so that it has one order with ids of beings.
 */
export const sessions = pgTable(
  'sessions',
  {
    id: text('id').$type<SessionId>().primaryKey(),
    being: text('being').$type<BeingId>().notNull(),
    family: text('family').notNull(),
    secret: text('secret').notNull(),
    former: text('former'),
    createdAt: time('created_at').notNull(),
    lastUsedAt: time('last_used_at').notNull(),
    rotatedAt: time('rotated_at'),
    endedAt: time('ended_at'),
  },
  (table) => [
    index('sessions_by_being').on(table.being, table.lastUsedAt),
    index('sessions_ended').on(table.endedAt, table.id).where(sql`ended_at is not null`),
  ],
)

/**
 * Links that give a role in a space, until they end, are used up or are revoked, which takes the row away. `secret` is
 * a digest of what the link holds.
 */
export const invites = pgTable(
  'invites',
  {
    id: uuid('id').$type<InviteId>().primaryKey(),
    space: text('space').$type<SpaceId>().notNull(),
    secret: text('secret').notNull(),
    role: text('role', { enum: ['member', 'viewer'] }).notNull(),
    by: text('made_by').$type<BeingId>().notNull(),
    uses: integer('uses').notNull(),
    usesLeft: integer('uses_left').notNull(),
    createdAt: time('created_at').notNull(),
    expiresAt: time('expires_at').notNull(),
  },
  (table) => [
    index('invites_by_space').on(table.space, table.createdAt),
    index('invites_by_maker').on(table.by),
    index('invites_expiring').on(table.expiresAt),
  ],
)

/** What operators did: who, what, when and why. A row is there before anything is done; its outcome comes after. */
export const operatorActions = pgTable(
  'operator_actions',
  {
    id: uuid('id').primaryKey(),
    at: time('at').notNull(),
    operator: text('operator').notNull(),
    action: text('action').notNull(),
    target: text('target').notNull(),
    reason: text('reason').notNull(),
    /** `begun` until it is over, then `done` or why it was refused. */
    outcome: text('outcome').notNull(),
  },
  (table) => [index('operator_actions_at').on(table.at, table.id)],
)
/** One row, made with the tables: what the processes that share this database say to each other counts there only. */
export const installation = pgTable('installation', {
  one: boolean('one').primaryKey().default(true),
  id: uuid('id').notNull().defaultRandom(),
})

/** Who somebody is for whoever vouches for people elsewhere (http/issuers.ts). */
export const identities = pgTable(
  'identities',
  {
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    being: text('being').$type<BeingId>().notNull(),
    createdAt: time('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.issuer, table.subject] }), index('identities_by_being').on(table.being)],
)

/**
 * Which run of Postgres this database last lived in: one row. Another one means that it was restored from a backup or
 * failed over, and may lack what clients were told (write/lineage.ts).
 */
export const lineage = pgTable('lineage', {
  id: integer('id').primaryKey(),
  systemId: text('system_id').notNull(),
  timeline: text('timeline').notNull(),
  since: time('since').notNull(),
})
