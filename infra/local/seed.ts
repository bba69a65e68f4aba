/**
 * A first start has something to see: a lobby with a few words and a bot in it, and a second space. Written through the
 * public HTTP API as any client would, under mutation ids that never change, so that a seeding which was interrupted is
 * simply done again. Whether it is done is remembered per database.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Mutation, postMutationsAnswerSchema, postSessionAnswerSchema } from '@rhizom/protocol'
import { z } from 'zod'

const KEEPER = '@rhizom'

const id = (number: number): string => `01930000-0000-7000-8000-${String(number).padStart(12, '0')}`

const says = (number: number, text: string): Mutation => ({
  id: id(number),
  space: '@lobby',
  name: 'intention.create',
  args: { id: id(1_000 + number), type: 'utterance', content: [text] },
})

export const SEED: Mutation[] = [
  { id: id(1), space: '@lobby', name: 'space.create', args: { name: 'Lobby', visibility: 'public' } },
  { id: id(2), space: '@lobby', name: 'being.move', args: { id: KEEPER } },
  {
    id: id(3),
    space: '@lobby',
    name: 'being.create',
    args: { id: '@guide', type: 'bot', name: 'Guide', properties: { about: 'Shows newcomers around' } },
  },
  says(4, 'Welcome to rhizom. What is written here reaches every screen, in order, with nothing missing.'),
  says(5, 'Open this page in a second browser: it is served by another gateway. Write in one, read in the other.'),
  says(6, 'Then kill a gateway (its pid is in .local/run.json) and go on writing.'),
  says(8, 'The guide is a bot: mention it by its id and ask. Kill it in mid-sentence, and its answer goes on.'),
  { id: id(7), space: '@garden', name: 'space.create', args: { name: 'Garden', visibility: 'public' } },
]

const memorySchema = z.object({ database: z.string(), done: z.boolean(), token: z.string().optional() })
type Memory = z.infer<typeof memorySchema>

export interface SeedOptions {
  api: string
  databaseUrl: string
  /** Where it is remembered that the seeding was done. */
  file: string
}

export async function seed({ api, databaseUrl, file }: SeedOptions): Promise<'done now' | 'done before'> {
  const database = fingerprint(databaseUrl)
  const memory = recall(file, database)
  if (memory?.done) return 'done before'
  const token = memory?.token ?? (await signIn(api))
  // A keeper that exists and whose token is not known here: somebody else has seeded this database.
  if (token !== undefined) {
    remember(file, { database, done: false, token })
    await write(api, token)
  }
  remember(file, { database, done: true })
  return token === undefined ? 'done before' : 'done now'
}

async function signIn(api: string): Promise<string | undefined> {
  const response = await post(`${api}/v1/sessions`, { name: 'Rhizom', id: KEEPER })
  if (response.status === 409) return undefined
  if (response.status !== 201) throw new Error(`the api answered ${response.status}: ${await response.text()}`)
  return postSessionAnswerSchema.parse(await response.json()).token
}

async function write(api: string, token: string): Promise<void> {
  const response = await post(`${api}/v1/mutations`, { mutations: SEED }, { authorization: `Bearer ${token}` })
  if (response.status !== 200) throw new Error(`the api answered ${response.status}: ${await response.text()}`)
  const { results } = postMutationsAnswerSchema.parse(await response.json())
  const refused = results.find(({ error }) => error !== undefined && error.code !== 'taken')
  if (refused !== undefined) throw new Error(`the api refused a mutation of the seed: ${refused.error?.message ?? ''}`)
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  })

/** Without the user and the password, which may change while the data stays. */
function fingerprint(databaseUrl: string): string {
  const { hostname, pathname } = new URL(databaseUrl)
  return createHash('sha256').update(`${hostname}${pathname}`).digest('hex').slice(0, 16)
}

function recall(file: string, database: string): Memory | undefined {
  if (!existsSync(file)) return undefined
  const memory = memorySchema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  return memory.success && memory.data.database === database ? memory.data : undefined
}

const remember = (file: string, memory: Memory): void =>
  writeFileSync(file, `${JSON.stringify(memory)}\n`, { mode: 0o600 })
