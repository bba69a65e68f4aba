/** Those who attack. */
import { Peer } from '@rhizom/kit/peer.ts'

/**
 * They come from another address than the bystander, so that limits of an address do not hit it. Linux owns the whole
 * of 127/8; elsewhere there is one address for all.
 */
export const STRANGERS_ADDRESS = process.platform === 'linux' ? '127.0.0.2' : undefined

export const strangerTo = (url: string, from: string | undefined = STRANGERS_ADDRESS): Promise<Peer> =>
  Peer.open(url, { from })
