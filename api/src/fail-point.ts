/**
 * Places where a fault test can make this process die at the worst moment. Off unless FAIL_POINT names one.
 * SIGKILL is what a lost machine looks like: nothing is flushed, closed or said.
 */
export const FAIL_POINTS = ['after-commit'] as const
export type FailPoint = (typeof FAIL_POINTS)[number]

/** Dies here if `enabled` is this point. */
export function failPoint(point: FailPoint, enabled: FailPoint | undefined): void {
  if (point === enabled) process.kill(process.pid, 'SIGKILL')
}
