/**
 * Who watches what, and is where: the clients that stay for the whole run. Several are pages of one being at different
 * gateways; some only watch. Those who come and go are the visitors' matter (presence/visitors.ts).
 */
export interface Spaces {
  busy: readonly string[]
  quiet: string
  /**
   * Where people come and go. Not the quiet one: whoever comes has the gateway read, which would show what it missed.
   */
  churn: string
  burst: string
}

export interface Placement {
  name: string
  /** Pages of the same being name the same. */
  being: string
  spaces: readonly string[]
  present: boolean
  /** Straight at the gateway: a proxy's buffers would take long to fill before the gateway feels a slow reader. */
  direct: boolean
  /** By what it is carried, and where to: `falling` ones come through the front proxy and take what it lets through. */
  by: 'websocket' | 'sse' | 'polling' | 'falling'
}

/** The private one of the busy spaces. */
export const cellarOf = ({ busy }: Spaces): string => busy[3] ?? ''

export function placements(spaces: Spaces): Placement[] {
  const { busy, quiet, churn, burst } = spaces
  const [lobby = '', garden = '', kitchen = ''] = busy
  const cellar = cellarOf(spaces)
  const one = (name: string, ...where: string[]): Placement => ({
    name,
    being: name,
    spaces: where,
    present: true,
    direct: false,
    by: 'websocket',
  })
  const pages = (being: string, where: readonly string[], ...names: string[]): Placement[] =>
    names.map((name) => ({ ...one(name, ...where), being }))
  const onlyWatching = (placement: Placement): Placement => ({ ...placement, present: false })
  const carriedBy = (by: Placement['by'], placement: Placement): Placement => ({ ...onlyWatching(placement), by })
  return [
    ...['lobby-1', 'lobby-2'].map((name) => one(name, lobby)),
    onlyWatching(one('lobby-3', lobby)),
    ...pages('garden', [garden], 'garden-1', 'garden-2', 'garden-3'),
    ...['kitchen-1', 'kitchen-2'].map((name) => one(name, kitchen, quiet, churn)),
    ...pages('all', [lobby, garden, kitchen, quiet, churn], 'all-1', 'all-2'),
    onlyWatching(one('all-3', lobby, garden, kitchen, quiet, churn)),
    ...['member-1', 'member-2'].map((name) => one(name, cellar, lobby)),
    ...['sleeper-1', 'sleeper-2'].map((name) => one(name, garden, kitchen)),
    one('burst-1', burst, quiet),
    onlyWatching({ ...one('slow', burst), direct: true }),
    ...['stream-1', 'stream-2'].map((name): Placement => ({ ...one(name, lobby, quiet), by: 'sse' })),
    ...['poller-1', 'poller-2'].map((name) => carriedBy('polling', one(name, garden, quiet))),
    ...['falling-1', 'falling-2'].map((name) => carriedBy('falling', one(name, kitchen, quiet))),
  ]
}
