/**
 * Which of the units that wait share the next transaction. Lanes have their turns in the order they are given in: each
 * turn takes one unit of each lane, as long as the transaction holds it. So a hot lane has what the others leave, and
 * never holds up more of them than a transaction is bounded to.
 */

/**
 * How many units each lane gives, in its own order, by the sizes of its units. The first of all is taken whatever its
 * size; a lane whose next unit does not fit gives no more.
 */
export function gather(lanes: readonly (readonly number[])[], maxSize: number): number[] {
  const taken = lanes.map(() => 0)
  let open = lanes.map((_sizes, lane) => lane)
  let size = 0
  while (open.length > 0 && size < maxSize) {
    const goesOn: number[] = []
    for (const lane of open) {
      const nth = taken[lane] ?? 0
      const next = lanes[lane]?.[nth]
      if (next === undefined || (size > 0 && size + next > maxSize)) continue
      taken[lane] = nth + 1
      size += next
      goesOn.push(lane)
    }
    open = goesOn
  }
  return taken
}
