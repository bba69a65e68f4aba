/** The page with a wire in front of its network, and the panel that shows and breaks it. Loaded only when asked for. */
import { createWire, RhizomDevtools } from '@rhizom/client/devtools'
import { useState } from 'react'
import { SignedIn, type SignedInProps } from './signed-in.tsx'

export function SignedInWithDevtools({ environment, ...rest }: SignedInProps) {
  const [wire] = useState(() => createWire(environment))
  return (
    <SignedIn {...rest} environment={wire.environment}>
      <RhizomDevtools wire={wire} open />
    </SignedIn>
  )
}
