/** A loss may be told by every client for every change: each kind of problem so many times. */
const SHOWN_OF_A_KIND = 30

/** Problems for a screen: each begins with its kind, and what is left out is counted. The numbers of a run have all. */
export function briefly(problems: readonly string[]): string[] {
  const kinds = Map.groupBy(problems, (problem) => problem.split(':')[0] ?? '')
  return [...kinds].flatMap(([kind, all]) => {
    const more = all.length - SHOWN_OF_A_KIND
    return more <= 0 ? all : [...all.slice(0, SHOWN_OF_A_KIND), `${kind}: ${more} more, in the numbers of the run`]
  })
}
