import { useEffect, useState } from 'react'

/** Long enough for a screen reader to have taken up what a live region says. */
const HEARD_MS = 1_000

/**
 * How loud a live region is that has something to say often: the first of it is read out, and then nothing more for
 * `quietMs`, while all of it is there to be seen.
 */
export function useHush(speaks: boolean, quietMs: number): 'polite' | 'off' {
  const [isHushed, setIsHushed] = useState(false)
  const isHeard = speaks && !isHushed
  useEffect(() => {
    if (!isHeard) return undefined
    const timer = setTimeout(() => setIsHushed(true), HEARD_MS)
    return () => clearTimeout(timer)
  }, [isHeard])
  useEffect(() => {
    if (!isHushed) return undefined
    const timer = setTimeout(() => setIsHushed(false), quietMs)
    return () => clearTimeout(timer)
  }, [isHushed, quietMs])
  return isHushed ? 'off' : 'polite'
}
