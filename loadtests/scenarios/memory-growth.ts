/**
 * By how much a process has grown: the mean of the last quarter of the samples beside that of the second, since the
 * first is for what every process fills once. Pure.
 */
const RESIDENT = /^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)/m

/** The bytes that a process holds, from its metrics. */
export const residentBytes = (metrics: string): number | undefined => {
  const bytes = Number(RESIDENT.exec(metrics)?.[1])
  return bytes > 0 ? bytes : undefined
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** By how much the later samples are above the earlier ones; undefined where there are too few to say. */
export function growthPercent(samples: readonly number[]): number | undefined {
  const quarter = Math.floor(samples.length / 4)
  if (quarter < 1) return undefined
  return 100 * (mean(samples.slice(-quarter)) / mean(samples.slice(quarter, 2 * quarter)) - 1)
}
