/**
 * What a byte of a write costs: for each kind of mutation the bytes that came (the body of its request), those that
 * Postgres wrote for it (its write-ahead log: rows, indexes, ledger, log of changes), those it added to the log of
 * changes, and those that one watcher was sent. Each kind is asked for as often as `rounds` says, one a request. Prints
 * the table of docs/amplification.md; those over the aim are marked.
 *
 *   node test/measure/amplification.ts [rounds]
 */
import { randomBytes } from 'node:crypto'
import { eventually } from '@rhizom/kit/eventually.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import postgres from 'postgres'
import { v7 as uuidv7 } from 'uuid'
import { startCluster } from '../cluster/cluster.ts'
import { freshId, type MutationInput, mutate, signIn } from '../wire/api-caller.ts'
import { startStores } from './services.ts'

const AIM = 20
const SMALL = 'A sentence as people say them, neither long nor short.'
/** That cannot be compressed. */
const LARGE = randomBytes(45_000).toString('base64')
const rounds = Number(process.argv[2] ?? 20)

const stores = await startStores()
const cluster = await startCluster({ ...stores, apis: 1, gateways: 1 })
const [api = ''] = cluster.apis.map(({ url }) => url)
const [gateway = ''] = cluster.gateways.map(({ url }) => url)
const sql = postgres(cluster.databaseUrl, { max: 1 })
const space = freshId('measured')
const owner = await signIn(api, 'Owner')
const guests = await Promise.all(Array.from({ length: 2 * rounds }, () => signIn(api, 'Guest')))
const guestOf = (index: number): string => guests[index]?.being.id ?? '@nobody'

let sentBytes = 0
/** Asks, and answers how many bytes that took. What is refused is a fault of the measure. */
async function ask(mutation: MutationInput): Promise<number> {
  const whole = { id: uuidv7(), ...mutation }
  const { status, body } = await mutate(api, owner.token, whole)
  const outcome = body.results?.[0]
  if (status !== 200 || outcome?.status !== 'applied')
    throw new Error(`${mutation.name}: ${status} ${JSON.stringify(body)}`)
  if (mutation.space === space) await told(outcome.version)
  return Buffer.byteLength(JSON.stringify({ mutations: [whole] }))
}

await mutate(api, owner.token, { space, name: 'space.create', args: { name: 'Measured' } })
const watcher = await RawClient.welcomed(gateway, owner.token)
watcher.socket.on('message', (data: Buffer) => (sentBytes += data.length))
await watcher.subscribed(space)

/** The watcher has a version of the space. */
async function told(version: number | undefined): Promise<void> {
  if (version === undefined) return
  await eventually('the watcher is told', () =>
    watcher.frames.some((frame) => frame.type === 'changes' && frame.space === space && frame.to >= version),
  )
}

const position = async (): Promise<bigint> => {
  const [row] = await sql<{ at: string }[]>`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as at`
  return BigInt(row?.at ?? 0)
}
const logged = async (): Promise<number> => {
  const [row] = await sql<{ bytes: number }[]>`select coalesce(sum(bytes), 0)::float8 as bytes from changes`
  return row?.bytes ?? 0
}

interface Kind {
  what: string
  /** What has to be there, not measured. */
  before?: (round: number) => MutationInput[]
  mutation: (round: number) => MutationInput
}

const inSpace = (name: string, args: Record<string, unknown>): MutationInput => ({ space, name, args })
const ids = <Id extends string>(make: () => Id): ((round: number) => Id) => {
  const made: Id[] = []
  return (round) => (made[round] ??= make())
}

/** Kinds of an intention, small or large. */
function ofIntentions(size: string, text: string): Kind[] {
  const say = (id: string, state = 'complete') =>
    inSpace('intention.create', { id, type: 'utterance', content: [text], state })
  const [created, updated, appended, claimed, removed] = Array.from({ length: 5 }, () => ids(uuidv7))
  if (!created || !updated || !appended || !claimed || !removed) throw new Error('no ids')
  return [
    { what: `intention.create, ${size}`, mutation: (n) => say(created(n)) },
    {
      what: `intention.update of the state, ${size}`,
      before: (n) => [say(updated(n), 'active')],
      mutation: (n) => inSpace('intention.update', { id: updated(n), state: 'complete' }),
    },
    {
      what: `intention.append of 30 letters, ${size}`,
      before: (n) => [say(appended(n), 'active')],
      mutation: (n) => inSpace('intention.append', { id: appended(n), text: 'x'.repeat(30) }),
    },
    {
      what: `intention.claim, ${size}`,
      before: (n) => [say(claimed(n), 'draft')],
      mutation: (n) => inSpace('intention.claim', { id: claimed(n), leaseMs: 60_000 }),
    },
    {
      what: `intention.remove, ${size}`,
      before: (n) => [say(removed(n))],
      mutation: (n) => inSpace('intention.remove', { id: removed(n) }),
    },
  ]
}

/** Kinds of a document, small or large. */
function ofBeings(size: string, text: string): Kind[] {
  const create = (id: string, location: string | null = space): MutationInput => ({
    ...{ space: location, name: 'being.create' },
    args: { id, type: 'document', name: 'A document', content: [text], metadata: { text }, properties: { text } },
  })
  const [created, named, moved, expelled, removed] = Array.from({ length: 5 }, () => ids(() => freshId('document')))
  if (!created || !named || !moved || !expelled || !removed) throw new Error('no ids')
  return [
    { what: `being.create, ${size}`, mutation: (n) => create(created(n)) },
    {
      what: `being.update of the name, ${size}`,
      before: (n) => [create(named(n))],
      mutation: (n) => inSpace('being.update', { id: named(n), name: 'Renamed' }),
    },
    {
      what: `being.move, ${size}`,
      before: (n) => [create(moved(n), null)],
      mutation: (n) => inSpace('being.move', { id: moved(n) }),
    },
    {
      what: `being.expel, ${size}`,
      before: (n) => [create(expelled(n))],
      mutation: (n) => inSpace('being.expel', { id: expelled(n) }),
    },
    {
      what: `being.remove, ${size}`,
      before: (n) => [create(removed(n))],
      mutation: (n) => inSpace('being.remove', { id: removed(n) }),
    },
  ]
}

const made = ids(() => freshId('made'))
const KINDS: readonly Kind[] = [
  { what: 'space.create', mutation: (n) => ({ space: made(n), name: 'space.create', args: { name: 'Space' } }) },
  { what: 'space.update', mutation: (n) => inSpace('space.update', { name: `Measured ${n}` }) },
  { what: 'space.remove', mutation: (n) => ({ space: made(n), name: 'space.remove', args: {} }) },
  { what: 'member.put', mutation: (n) => inSpace('member.put', { being: guestOf(n), role: 'member' }) },
  {
    what: 'member.remove',
    before: (n) => [inSpace('member.put', { being: guestOf(rounds + n), role: 'member' })],
    mutation: (n) => inSpace('member.remove', { being: guestOf(rounds + n) }),
  },
  ...ofIntentions('small', SMALL),
  ...ofIntentions('60 kB', LARGE),
  ...ofBeings('small', SMALL),
  ...ofBeings('180 kB', LARGE),
]

const times = (bytes: number, came: number): string => {
  const factor = bytes / came
  const text = factor.toFixed(1)
  return factor > AIM ? `**${text}**` : text
}

try {
  process.stdout.write('| mutation | came, bytes | written × | log × | sent to a watcher × |\n|---|---|---|---|---|\n')
  for (const { what, before, mutation } of KINDS) {
    for (let round = 0; round < rounds; round += 1) for (const one of before?.(round) ?? []) await ask(one)
    // Pages that were not written since the last checkpoint are written whole once: not the cost of a kind.
    const from = { wal: await position(), log: await logged(), sent: sentBytes }
    let came = 0
    for (let round = 0; round < rounds; round += 1) came += await ask(mutation(round))
    const wal = Number((await position()) - from.wal)
    const log = (await logged()) - from.log
    const factors = [wal, log, sentBytes - from.sent].map((bytes) => times(bytes, came))
    process.stdout.write(`| ${[what, Math.round(came / rounds), ...factors].join(' | ')} |\n`)
  }
} finally {
  watcher.terminate()
  await sql.end()
  await cluster.stop()
  await stores.stop()
}
