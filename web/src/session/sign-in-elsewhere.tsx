/** The issuers that the server knows, and what one of them answered. */
import type { WayIn } from '@rhizom/client'
import type { SignInAnswer } from '@rhizom/protocol'
import { useEffect, useEffectEvent, useState } from 'react'
import { cameBack, canLeave, GUESTS_ONLY, type Issuer, leaveFor, waysToSignIn } from './issuers.ts'

interface Props {
  disabled: boolean
  onWay: (way: WayIn) => void
  onProblem: (problem: string) => void
  onGuests: (areIn: boolean) => void
}

export function SignInElsewhere({ disabled, onWay, onProblem, onGuests }: Props) {
  const [{ issuers }, setWays] = useState<SignInAnswer>(GUESTS_ONLY)
  const begin = useEffectEvent(() => {
    // Used up by being looked at.
    const answer = cameBack()
    if (answer?.ok === true) onWay({ code: answer.code })
    else if (answer !== undefined) onProblem(answer.problem)
  })
  const show = useEffectEvent((ways: SignInAnswer) => {
    setWays(ways)
    onGuests(ways.guests)
  })
  useEffect(() => {
    begin()
    let isShown = true
    void waysToSignIn().then((ways) => isShown && show(ways))
    return () => void (isShown = false)
  }, [])
  return issuers.map((issuer) => <IssuerButton key={issuer.issuer} issuer={issuer} disabled={disabled} />)
}

function IssuerButton({ issuer, disabled }: { issuer: Issuer; disabled: boolean }) {
  const why = whyNot(issuer)
  return (
    <button
      className="wide"
      type="button"
      data-testid="sign-in-elsewhere"
      disabled={disabled || why !== undefined}
      title={why}
      onClick={() => void leaveFor(issuer)}
    >
      Continue with {issuer.label}
    </button>
  )
}

function whyNot({ authorize, label }: Issuer): string | undefined {
  if (!canLeave()) return 'This works on a page that came by https.'
  return authorize === undefined ? `${label} does not answer right now.` : undefined
}
