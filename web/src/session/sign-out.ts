import { createContext, useContext } from 'react'

export interface SigningOut {
  /** Ends the session on this device and shows the sign-in page. */
  signOut: () => void
  /** Whether whoever signs out can be the same being again. */
  hasWayBack: boolean
}

export const SignOutContext = createContext<SigningOut>({ signOut: () => undefined, hasWayBack: false })
export const useSignOut = (): SigningOut => useContext(SignOutContext)
