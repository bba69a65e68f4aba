import { createContext, useContext } from 'react'

/** Ends the session on this device and shows the sign-in page. */
export const SignOutContext = createContext<() => void>(() => undefined)
export const useSignOut = (): (() => void) => useContext(SignOutContext)
