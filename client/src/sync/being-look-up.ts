/**
 * Finds beings by their ids, many in one request: whoever asks within a few milliseconds of another shares the
 * question, so that a list of two hundred strangers costs two requests and not two hundred. Nothing is kept here; the
 * answers live in the store, under `['being', id]`.
 */
import { type Being, type BeingId, LIMITS } from '@rhizom/protocol'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'

/** Long enough for everything that one screen asks for while it is built, and for retries that fall together. */
const GATHER_MS = 10

interface Question {
  ids: Set<BeingId>
  found: Promise<Map<BeingId, Being>>
}

/** The being, or undefined if there is none of that id or it may not be seen. Rejects if the api cannot be asked. */
export function createBeingLookUp(
  environment: Pick<Environment, 'after'>,
  http: Pick<Http, 'beings'>,
): (id: BeingId) => Promise<Being | undefined> {
  let open: Question | undefined

  async function ask(ids: ReadonlySet<BeingId>): Promise<Map<BeingId, Being>> {
    await new Promise<void>((resolve) => void environment.after(GATHER_MS, resolve))
    open = open?.ids === ids ? undefined : open
    const found = new Map<BeingId, Being>()
    // An answer ends by bytes: those that are missing are asked for again until none of them comes.
    for (let missing = [...ids], given = 1; given > 0 && missing.length > 0; ) {
      const result = await http.beings(missing)
      if (!result.ok) throw new Error(result.problem.message)
      for (const being of result.value.beings) found.set(being.id, being)
      given = missing.length
      missing = missing.filter((id) => !found.has(id))
      given -= missing.length
    }
    return found
  }

  return async (id) => {
    if (open === undefined || open.ids.size >= LIMITS.maxIdsPerLookup) {
      const ids = new Set<BeingId>()
      open = { ids, found: ask(ids) }
    }
    open.ids.add(id)
    return (await open.found).get(id)
  }
}
