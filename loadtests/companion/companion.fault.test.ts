import { randomUUID } from 'node:crypto'
import { until } from '@rhizom/infra/local/until.ts'
import { describe, expect, it } from 'vitest'
import type { OtherFindings, OtherKind } from '../scenarios/others.ts'
import { shortName } from '../scenarios/watched-space.ts'
import { type Fault, startScriptedSystem } from '../testing/scripted-system.ts'
import { startCompanion } from './start.ts'

const SPACE = '@lobby'
const WRITES = 12

const post = async (url: string, body: object): Promise<unknown> => {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** One client of a kind follows a space of a scripted system; what the companion found. */
async function findings(kind: OtherKind, fault: Fault): Promise<OtherFindings> {
  const system = await startScriptedSystem(fault)
  const companion = await startCompanion()
  try {
    const stand: unknown = await (await fetch(`${system.url}/v1/spaces/${SPACE}`)).json()
    const where = { kind, gateway: system.url, api: system.url, token: 'token', space: SPACE, begins: stand }
    await post(`${companion.url}/watch`, { clients: [where] })
    expect(await until(() => system.asked(SPACE) > 1, { withinMs: 60_000 })).toBe(true)
    const ids = Array.from({ length: WRITES }, () => randomUUID())
    for (const id of ids) {
      const args = { id: randomUUID(), type: 'utterance', content: ['hello'] }
      await post(`${system.url}/v1/mutations`, { mutations: [{ id, space: SPACE, name: 'intention.create', args }] })
    }
    const logs = { [SPACE]: ids.map(shortName) }
    const found: OtherFindings = JSON.parse(
      JSON.stringify(await post(`${companion.url}/finish`, { logs, withinMs: fault === 'none' ? 60_000 : 15_000 })),
    )
    return found
  } finally {
    companion.stop()
    await system.close()
  }
}

describe('clients of other kinds', { concurrent: true }, () => {
  it.each<OtherKind>(['sse', 'polling', 'slow'])('L21 one of %s finds nothing where nothing is wrong', async (kind) => {
    const { checked, owed, seen, bySnapshot, lost, disorders, duplicates } = await findings(kind, 'none')
    expect({ checked, owed, lost, disorders, duplicates }).toEqual({
      checked: 1,
      owed: WRITES,
      lost: 0,
      disorders: 0,
      duplicates: 0,
    })
    expect(seen + bySnapshot).toBe(WRITES)
  })

  it.each<[Fault, 'lost' | 'disorders' | 'duplicates']>([
    ['left out', 'disorders'],
    ['silence', 'lost'],
    ['swapped', 'disorders'],
    ['twice', 'duplicates'],
  ])('L21 a stream of server-sent events finds this fault: %s', async (fault, measure) => {
    expect((await findings('sse', fault))[measure]).toBeGreaterThan(0)
  })
})
