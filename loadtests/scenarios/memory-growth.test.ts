import { describe, expect, it } from 'vitest'
import { growthPercent, residentBytes } from './memory-growth.ts'

describe('growth of memory', () => {
  it('L22 is read from the metrics of a process', () => {
    const text = '# HELP process_resident_memory_bytes Resident\nprocess_resident_memory_bytes 73400320\nother 1\n'
    expect(residentBytes(text)).toBe(73_400_320)
    expect(residentBytes('process_resident_memory_bytes{node="a"} 5e6\n')).toBe(5_000_000)
    expect(residentBytes('process_heap_bytes 5\n')).toBeUndefined()
  })

  it('L22 is that of the last quarter over the second: what fills once does not count', () => {
    expect(growthPercent([10, 50, 100, 100, 110, 110, 120, 120])).toBeCloseTo(20)
    expect(growthPercent([10, 90, 100, 100, 100, 100, 100, 100])).toBeCloseTo(0)
    expect(growthPercent([100, 100, 100, 100, 100, 100, 50, 50])).toBeCloseTo(-50)
  })

  it('L22 is not known of too few samples', () => {
    expect(growthPercent([1, 2, 3])).toBeUndefined()
    expect(growthPercent([])).toBeUndefined()
  })
})
