/** What the fuzz speaks about: a few guests, the spaces that episodes name, and what stands for them in an episode. */
import { call, mutate, type Session, signIn } from '../../wire/api-caller.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Snapshot } from '@rhizom/protocol'
import { EPOCH, INTERNAL_TOKEN, TOKEN } from './episode.ts'

export class FuzzWorld {
  readonly #api: string
  readonly #internalToken: string
  readonly #epoch: string
  #guest: Session
  #guests = 1

  private constructor(api: string, internalToken: string, epoch: string, guest: Session) {
    this.#api = api
    this.#internalToken = internalToken
    this.#epoch = epoch
    this.#guest = guest
  }

  static async open(cluster: Cluster): Promise<FuzzWorld> {
    const api = cluster.apis[0]?.url ?? ''
    const owner = await signIn(api, 'Owner')
    const guest = await signIn(api, 'Fuzz 1')
    const create = (space: string, visibility: string) => ({
      space,
      name: 'space.create',
      args: { name: space, visibility },
    })
    // They are there already where this is not the first.
    await mutate(api, owner.token, create('@fuzz-open', 'public'), create('@fuzz-closed', 'private'))
    const { body } = await call<Snapshot>(api, 'GET', '/v1/spaces/@fuzz-open', { token: owner.token })
    return new FuzzWorld(api, cluster.internalToken, body.epoch, guest)
  }

  get token(): string {
    return this.#guest.token
  }

  /** After an episode removed the guest itself. */
  async renew(): Promise<void> {
    this.#guests += 1
    this.#guest = await signIn(this.#api, `Fuzz ${this.#guests}`)
  }

  filled(text: string): string {
    if (!text.includes('$')) return text
    return text
      .replaceAll(TOKEN, this.#guest.token)
      .replaceAll(EPOCH, this.#epoch)
      .replaceAll(INTERNAL_TOKEN, this.#internalToken)
  }
}
