/**
 * Who watches what, and is where: the clients that stay for the whole run. Several are pages of one being at different
 * gateways; some only watch. Those who come and go are the visitors' matter (presence/visitors.ts).
 */
export interface Spaces {
  busy: readonly string[]
  quiet: string
  /** Where people come and go. Not the quiet one: whoever comes has the gateway read, which would show what it missed. */
  porch: string
  torrent: string
}

export interface Seat {
  name: string
  /** Pages of the same being name the same. */
  being: string
  spaces: readonly string[]
  present: boolean
  /** Straight at the gateway: a proxy's buffers would take long to fill before the gateway feels a slow reader. */
  direct: boolean
}

/** The private one of the busy spaces. */
export const cellarOf = ({ busy }: Spaces): string => busy[3] ?? ''

export function seating(spaces: Spaces): Seat[] {
  const { busy, quiet, porch, torrent } = spaces
  const [lobby = '', garden = '', kitchen = ''] = busy
  const cellar = cellarOf(spaces)
  const one = (name: string, ...where: string[]): Seat => ({
    name,
    being: name,
    spaces: where,
    present: true,
    direct: false,
  })
  const pages = (being: string, where: readonly string[], ...names: string[]): Seat[] =>
    names.map((name) => ({ ...one(name, ...where), being }))
  const onlyWatching = (seat: Seat): Seat => ({ ...seat, present: false })
  return [
    ...['lobby-1', 'lobby-2'].map((name) => one(name, lobby)),
    onlyWatching(one('lobby-3', lobby)),
    ...pages('garden', [garden], 'garden-1', 'garden-2', 'garden-3'),
    ...['kitchen-1', 'kitchen-2'].map((name) => one(name, kitchen, quiet, porch)),
    ...pages('all', [lobby, garden, kitchen, quiet, porch], 'all-1', 'all-2'),
    onlyWatching(one('all-3', lobby, garden, kitchen, quiet, porch)),
    ...['member-1', 'member-2'].map((name) => one(name, cellar, lobby)),
    ...['sleeper-1', 'sleeper-2'].map((name) => one(name, garden, kitchen)),
    one('torrent-1', torrent, quiet),
    onlyWatching({ ...one('slow', torrent), direct: true }),
  ]
}
