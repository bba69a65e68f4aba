/** A process that is busy in a function with a name of its own, half of the time, until it is ended. */
function countToALot(untilMs: number): number {
  let count = 0
  while (performance.now() < untilMs) count += Math.sqrt(count + 1)
  return count
}
setInterval(() => countToALot(performance.now() + 20), 40)
process.send?.('running')
