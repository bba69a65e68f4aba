/** AnyCable: named with why it is missing where it is, so that nobody has to wonder. */
import { join } from 'node:path'
import { getGoProgram } from '../get.ts'
import type { Peer } from '../peer.ts'

const MODULE = 'github.com/anycable/anycable-go/cmd/anycable-go@v1.6.0'

export const anyCable: Peer = {
  name: 'AnyCable',
  dialect: 'plain',
  settings: 'not compared',
  recovers: true,
  textBytes: 600,
  async get(cache, say) {
    const why = await getGoProgram(join(cache, 'any-cable'), MODULE, say)
    if (why !== undefined) return { ok: false, why: `it cannot be built: ${why}` }
    return { ok: false, why: 'it builds here, and the client of the comparisons does not speak its protocol yet' }
  },
  start: () => Promise.reject(new Error('AnyCable is not compared yet')),
}
