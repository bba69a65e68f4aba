/** One writer: a virtual user, an actor. Wait for the clients → write at an even pace → compare with the log. */
import { sleep } from 'k6'
import { measures } from './measures.ts'
import { type Plan, spacesOf, writeTimesMs } from './plan.ts'
import { postMutations, readLog } from './rest.ts'
import { newId, type Run } from './run-setup.ts'
import { TokenStream } from './token-stream.ts'
import type { Mutation } from './wire.ts'

export async function writeSpaces(plan: Plan, run: Run, number: number): Promise<void> {
  const session = run.writers[number]
  const spaces = spacesOf(plan, number).flatMap((i) => run.spaces[i] ?? [])
  if (session === undefined || spaces.length === 0) throw new Error(`no writer ${number}`)
  const api = plan.api[number % plan.api.length] ?? ''
  const { firstMs, everyMs } = writeTimesMs(plan, number)
  const acknowledged = new Map<string, Map<number, string>>(spaces.map(({ id }) => [id, new Map<number, string>()]))
  const streams = new Map(spaces.map(({ id }) => [id, plan.stream && new TokenStream(plan, id, newId)]))
  let changes = 0

  for (let n = 0; ; n += 1) {
    const dueAt = run.firstWriteAt + firstMs + n * everyMs
    if (Math.max(dueAt, Date.now()) >= run.lastWriteAt) break
    if (dueAt > Date.now()) sleep((dueAt - Date.now()) / 1_000)
    const space = spaces[n % spaces.length]?.id ?? ''
    const stream = streams.get(space)
    const mutations = stream === undefined ? utterances(plan, space, number, n) : stream.next()
    const versions = acknowledgedVersions(api, session.token, mutations, run.lastWriteAt)
    stream?.acknowledged(versions)
    for (const [i, { id }] of mutations.entries()) {
      const version = versions[i]
      if (version === undefined) measures.writesRefused.add(1)
      else {
        changes += 1
        measures.writesAcknowledged.add(1)
        acknowledged.get(space)?.set(version, id)
      }
    }
  }
  if (plan.stream !== undefined) measures.streamChangesPerSecond.add(changes / plan.durationSeconds / spaces.length)
  for (const stream of streams.values()) measures.repliesComplete.add(stream?.complete ?? 0)
  for (const place of spaces) {
    const log = await readLog(api, session.token, place)
    let missing = 0
    for (const [version, id] of acknowledged.get(place.id) ?? [])
      if (log[version - place.version - 1] !== id) missing += 1
    measures.acknowledgedMissing.add(missing)
  }
  measures.writersChecked.add(1)
}

/** What one request says: as many utterances as the plan wants in one. */
function utterances(plan: Plan, space: string, writer: number, n: number): Mutation[] {
  const { batch = 1, contentBytes = 0 } = plan
  return Array.from({ length: batch }, (_, i) => {
    const words = `Writer ${writer + 1} says ${n * batch + i + 1}`
    const content = [words.padEnd(contentBytes, ' and on')]
    return { id: newId(), space, name: 'intention.create', args: { id: newId(), type: 'utterance', content } }
  })
}

/** Posts until the api says what became of them, always with the same ids. The version each got, or undefined. */
function acknowledgedVersions(
  api: string,
  token: string,
  mutations: readonly Mutation[],
  lastWriteAt: number,
): (number | undefined)[] {
  for (;;) {
    const answer = postMutations(api, token, mutations)
    if (answer.status === 200) {
      measures.postToAnswer.add(answer.timings.duration)
      return mutations.map((_, i) => {
        const version = answer.json(`results.${i}.version`)
        if (answer.json(`results.${i}.status`) !== 'rejected' && typeof version === 'number') return version
        console.error(`rejected: ${answer.body.slice(0, 300)}`)
        return undefined
      })
    }
    const mayHelp = answer.status === 0 || answer.status === 429 || answer.status >= 500
    if (!mayHelp || Date.now() > lastWriteAt + 1_000) {
      console.error(`not acknowledged: ${answer.status} ${answer.body.slice(0, 300)}`)
      return mutations.map(() => undefined)
    }
    sleep(answer.status === 429 ? Number(answer.json('retryAfterMs') ?? 1_000) / 1_000 : 0.2)
  }
}
