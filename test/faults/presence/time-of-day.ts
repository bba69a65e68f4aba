/**
 * When something of `performance.now()` was, as logs of other processes can be searched for it: UTC, to the
 * millisecond.
 */
export const timeOfDay = (at: number): string => new Date(performance.timeOrigin + at).toISOString().slice(11, 23)
