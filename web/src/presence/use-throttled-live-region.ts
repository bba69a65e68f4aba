import { useEffect, useState } from 'react'

/** Long enough for a screen reader to have taken up what a live region says. */
const HEARD_MS = 1_000

/**
 * How loud a live region is that has something to say often: the first of it is read out, and then nothing more for
 * `quietMs`, while all of it is there to be seen.
 */
export function useThrottledLiveRegion(speaks: boolean, quietMs: number): 'polite' | 'off' {
  const [isQuiet, setIsQuiet] = useState(false)
  const isHeard = speaks && !isQuiet
  useEffect(() => {
    if (!isHeard) return undefined
    const timer = setTimeout(() => setIsQuiet(true), HEARD_MS)
    return () => clearTimeout(timer)
  }, [isHeard])
  useEffect(() => {
    if (!isQuiet) return undefined
    const timer = setTimeout(() => setIsQuiet(false), quietMs)
    return () => clearTimeout(timer)
  }, [isQuiet, quietMs])
  return isQuiet ? 'off' : 'polite'
}
