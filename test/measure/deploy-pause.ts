/**
 * What a deploy costs somebody who looks on: all gateways of a running system (`npm start`) are told to stop, one after
 * another, while a hundred changes a second are written, and the client library notes the longest pause between two
 * changes applied, and every status but live.
 *
 *   node test/measure/deploy-pause.ts [runs]
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { browserEnvironment, createClient, createSession, memoryStore, type SpaceStore } from '@rhizom/client'
import { repository } from '@rhizom/infra/local/places.ts'
import { readRunFile, type Run } from '@rhizom/infra/local/run-file.ts'
import { apply, freshId, signIn, utterance } from '../wire/api-caller.ts'

const WRITES_PER_SECOND = 100
const runs = Number(process.argv[2] ?? 5)

function running(): Run {
  const run = readRunFile(join(repository, '.local', 'run.json'))
  if (run === undefined) throw new Error('nothing runs here: npm start')
  return run
}

/** A store that tells when the version of a space moves on. */
function watchedStore(moved: (from: number, to: number) => void): SpaceStore {
  const store = memoryStore()
  return {
    ...store,
    write(id, state) {
      const before = store.read(id)?.content?.position.version
      const after = state.content?.position.version
      store.write(id, state)
      if (before !== undefined && after !== undefined && after > before) moved(before, after)
    },
  }
}

async function deploy(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const pid = running().processes[name]
    if (pid === undefined) continue
    process.kill(pid, 'SIGTERM')
    while (running().processes[name] === pid || running().processes[name] === undefined) await sleep(20)
    const { api, internal } = running()
    const url = internal[api.length + names.indexOf(name)] ?? ''
    while (!(await isReady(url))) await sleep(20)
  }
}

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).status === 200
  } catch {
    return false
  }
}

async function measure(): Promise<{ longestMs: number; changes: number; statuses: string[] }> {
  const { web, api: apis, processes } = running()
  const api = apis[0] ?? ''
  const environment = browserEnvironment()
  const session = await createSession({ environment, apiUrl: web }, { name: 'Onlooker' })
  if (!session.ok) throw new Error(session.problem.message)
  const writer = await signIn(api, 'Writer')
  const space = freshId('deploy')
  await apply(api, writer.token, { space, name: 'space.create', args: { name: 'Deploy' } })
  const statuses = new Set<string>()
  let lastAt = 0
  let longestMs = 0
  let changes = 0
  const store = watchedStore((from, to) => {
    const now = performance.now()
    changes += to - from
    if (lastAt > 0) longestMs = Math.max(longestMs, now - lastAt)
    lastAt = now
  })
  const client = createClient({ session: session.value, baseUrl: web, environment, store })
  client.watchSpace(space)
  client.connect()
  while (client.readSpace(space).subscription.status !== 'current') await sleep(10)
  const stopListening = client.onSyncStatus(() => statuses.add(client.syncStatus().status))
  let isWriting = true
  let written = 0
  const writing = (async () => {
    const startedAt = performance.now()
    while (isWriting) {
      void apply(api, writer.token, utterance(space, 'words')).catch(() => undefined)
      written += 1
      await sleep(Math.max(0, startedAt + (written * 1000) / WRITES_PER_SECOND - performance.now()))
    }
  })()
  await sleep(1_000)
  longestMs = 0
  await deploy(Object.keys(processes).filter((name) => name.startsWith('gateway')))
  isWriting = false
  await writing
  stopListening()
  client.close()
  return { longestMs, changes, statuses: [...statuses] }
}

const pauses: number[] = []
for (let round = 1; round <= runs; round++) {
  const { longestMs, changes, statuses } = await measure()
  pauses.push(longestMs)
  const others = statuses.filter((status) => status !== 'live')
  const told = others.length === 0 ? 'live throughout' : `not live: ${others.join(', ')}`
  process.stdout.write(`run ${round}: longest pause ${longestMs.toFixed(0)} ms over ${changes} changes, ${told}\n`)
}
const median = pauses.toSorted((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0
process.stdout.write(`median of ${runs}: ${median.toFixed(0)} ms\n`)
