/** Guests for a fault: placed where it strikes, known to everybody, and gone with it for good. */
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Stage } from '../fault.ts'
import type { Watcher } from '../watcher.ts'

/** Where guests are placed: nobody writes much there, so that opening their pages costs the api nothing. */
const placesOf = ({ clients }: Stage): string[] => [clients.spaces.churn]

/** Resolves when every client that can know lists these pages' beings, or none of them does. */
export async function untilEverybody(stage: Stage, what: 'lists' | 'misses', pages: readonly Watcher[]): Promise<void> {
  const rosters = (): ReadonlyMap<string, unknown>[] =>
    stage.clients.pages
      .filter(({ isSettled }) => isSettled)
      .flatMap(({ rosters: all }) => placesOf(stage).flatMap((space) => all.get(space)?.roster.list ?? []))
  await eventually(`everybody ${what} the guests`, () =>
    rosters().every((list) => pages.every(({ being }) => list.has(being) === (what === 'lists'))),
  )
}

/** Pages of guests at a gateway, once everybody has heard of them. */
export async function placeGuests(stage: Stage, gateway: number): Promise<Watcher[]> {
  const pages = await stage.clients.visitors.place(gateway, placesOf(stage))
  await untilEverybody(stage, 'lists', pages)
  return pages
}

/** None of them comes back from the end of its connection. */
export function doom(pages: readonly Watcher[]): void {
  for (const { reconnecting } of pages) reconnecting.endsWithConnection = true
}

/**
 * Has it judged that these left in one frame, and within the lease of their gateway, of which nothing was heard since.
 */
export function leaveTogether(
  { clients }: Stage,
  pages: readonly Watcher[],
  { gateway, at, livesOn = false }: { gateway: number; at: number; livesOn?: boolean },
): void {
  const beings = pages.map(({ being }) => being)
  for (const space of new Set(pages.flatMap(({ rosters }) => [...rosters.keys()])))
    clients.presence.vanished({ gateway, space, beings, at, livesOn })
}
