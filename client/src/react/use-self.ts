/** Who one is, as the others see it now. */
import type { Being } from '@rhizom/protocol'
import type { Session } from '../runtime/storage.ts'
import { useRhizom } from './rhizom-context.ts'
import { useBeing } from './use-being.ts'

export interface SelfView {
  /** Oneself as known now; until that is known, as one was when signing in. */
  being: Being
  /** Whether that is so: where one is, say, may be another than when one signed in. */
  current: boolean
  /** Why it is not known, in words, if something stands in the way; `retry` asks again. */
  problem: string | undefined
  retry: () => void
}

const nothing = (): void => undefined

/** Oneself, live: renames and moves show here, whoever made them. */
export function useSelf(): SelfView {
  const { being } = useSession()
  const view = useBeing(being.id)
  if (view.status === 'known') return { being: view.being, current: true, problem: undefined, retry: nothing }
  const { message: problem, retry } = view.status === 'failed' ? view : { message: undefined, retry: nothing }
  return { being, current: false, problem, retry }
}

/** The session of this client: `being` is as it was at sign-in. The token is renewed by itself. */
export function useSession(): Pick<Session, 'being'> {
  return useRhizom().session()
}
