import { useEffect, useState } from 'react'

/** Seconds until a moment, counted down as they pass. */
export function Countdown({ untilMs }: { untilMs: number }) {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 250)
    return () => clearInterval(timer)
  }, [])
  return <span className="countdown">{Math.max(0, Math.ceil((untilMs - nowMs) / 1000))} s</span>
}
