/**
 * People who come and go all the time, also while something fails: pages opened on any gateway, several of one being,
 * closed with a goodbye or cut off like a machine that dies, reloaded, made to watch only, with a state now and then.
 * They are clients like the others (watcher.ts); of the log they check no more than what any client checks.
 *
 *   come · go · cut · reload · withdraw · return · state        one of these every little while, chosen from a seed
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Session } from '../../wire/api-caller.ts'
import type { Random } from '../../kit/chance.ts'
import type { Watcher } from '../watcher.ts'

export interface PageOptions {
  name: string
  session: Session
  /** Which gateway it opens at, counted from 0. */
  gateway: number
  spaces: readonly string[]
  voice: boolean
}

export interface VisitorsOptions {
  open(options: PageOptions): Watcher
  /** A page that is closed for ever. */
  closed(page: Watcher): void
  /** Every client that may say in which state it is. */
  voices(): readonly Watcher[]
  /** Who comes and goes by chance. */
  regulars: readonly Session[]
  /** Who comes and goes as the faults say. */
  guests: readonly Session[]
  gateways: number
  /** How often one of those who come and go by chance does something: after once to three times as long. */
  everyMs: number
  /** Where they mostly are, and where they are now and then. */
  spaces: { usual: string; others: readonly string[] }
  random: Random
}

const MOST_PAGES = 10
const PLACED = 4
const OTHER_SPACES_ONE_IN = 5

const ACTIONS = ['come', 'come', 'come', 'go', 'cut', 'cut', 'reload', 'withdraw', 'return', 'state', 'state'] as const
type Action = (typeof ACTIONS)[number]

export class Visitors {
  readonly #options: VisitorsOptions
  readonly #guests: ReadonlySet<string>
  #pages: Watcher[] = []
  #sessions = new Map<Watcher, PageOptions>()
  #timer: NodeJS.Timeout | undefined
  #opened = 0
  #said = 0

  constructor(options: VisitorsOptions) {
    this.#options = options
    this.#guests = new Set(options.guests.map(({ being }) => being.id))
  }

  get pages(): readonly Watcher[] {
    return this.#pages
  }

  goOn(): void {
    const { random, everyMs } = this.#options
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#act(random.pick(ACTIONS))
        this.goOn()
      },
      everyMs * (1 + 2 * random.next()),
    )
  }

  /** From now on nobody comes or goes. */
  hold(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const page of this.#pages.filter(({ state }) => state === 'stopped')) this.#forget(page)
  }

  leave(): void {
    this.hold()
    for (const page of [...this.#pages]) this.close(page, 'at-once')
  }

  /** Opens a page of some guests at a gateway, and waits until all are in. */
  async place(gateway: number, spaces: readonly string[]): Promise<Watcher[]> {
    const placed = this.#options.guests.slice(0, PLACED)
    const pages = placed.map((session) => this.#open(session, gateway, spaces))
    await eventually('the guests are in', () => pages.every(({ isSettled }) => isSettled))
    return pages
  }

  /** As many pages of each guest as there are gateways, one at each, all at once. */
  throng(space: string): Watcher[] {
    const { guests, gateways } = this.#options
    return guests.flatMap((session) =>
      Array.from({ length: gateways }, (_, gateway) => this.#open(session, gateway, [space])),
    )
  }

  /** Sends the guests home, whose fault is over. */
  dismiss(): void {
    for (const page of this.#pages.filter(({ being }) => this.#guests.has(being))) this.close(page, 'politely')
  }

  /** Closes a page and opens the same one again, at any gateway unless one is named. */
  reload(page: Watcher, gateway = this.#options.random.below(this.#options.gateways)): Watcher {
    const options = this.#sessions.get(page)
    if (options === undefined) return page
    this.close(page, 'at-once')
    return this.#open(options.session, gateway, options.spaces)
  }

  close(page: Watcher, how: 'politely' | 'at-once'): void {
    page.stop(how)
    this.#forget(page)
  }

  #forget(page: Watcher): void {
    this.#pages = this.#pages.filter((one) => one !== page)
    this.#sessions.delete(page)
    this.#options.closed(page)
  }

  #open(session: Session, gateway: number, spaces: readonly string[]): Watcher {
    this.#opened += 1
    const voice = !this.#pages.some((page) => page.being === session.being.id && page.isVoice)
    const options = { name: `visitor-${this.#opened}`, session, gateway, spaces, voice }
    const page = this.#options.open(options)
    this.#pages.push(page)
    this.#sessions.set(page, options)
    page.start()
    return page
  }

  #act(action: Action): void {
    const { random } = this.#options
    const pages = this.#pages.filter(({ being }) => !this.#guests.has(being))
    const page = pages.length > 0 ? random.pick(pages) : undefined
    if (action === 'come') {
      if (pages.length < MOST_PAGES) this.#come()
    } else if (action === 'state') this.#sayState()
    else if (page !== undefined) this.#do(action, page)
  }

  #do(action: Exclude<Action, 'come' | 'state'>, page: Watcher): void {
    const [space = ''] = page.rosters.keys()
    switch (action) {
      case 'go':
        this.close(page, 'politely')
        return
      case 'cut':
        this.close(page, 'at-once')
        return
      case 'reload':
        this.reload(page)
        return
      case 'withdraw':
        page.setPresent(space, false)
        return
      case 'return':
        page.setPresent(space, true)
        return
      default:
        action satisfies never
    }
  }

  #come(): void {
    const { random, regulars, gateways, spaces } = this.#options
    const other = random.below(OTHER_SPACES_ONE_IN) === 0 ? [random.pick(spaces.others)] : []
    this.#open(random.pick(regulars), random.below(gateways), [spaces.usual, ...other])
  }

  #sayState(): void {
    const { random, voices } = this.#options
    const page = random.pick(voices())
    this.#said += 1
    page.setState(random.pick([...page.rosters.keys()]), {
      mood: random.pick(['away', 'busy', 'here']),
      said: this.#said,
    })
  }
}
