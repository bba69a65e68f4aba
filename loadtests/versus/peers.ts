/** Who is compared, in the order of the tables. */
import type { Peer } from './peer.ts'
import { anyCable } from './peers/any-cable.ts'
import { bareUws, bareWs } from './peers/bare.ts'
import { centrifugo } from './peers/centrifugo.ts'
import { rhizom } from './peers/rhizom.ts'
import { socketIo } from './peers/socket-io.ts'

export const PEERS: readonly Peer[] = [rhizom, bareUws, bareWs, socketIo, centrifugo, anyCable]
