/** Components over a scripted server, with time by hand: what the tests of the hooks begin with. */
import { act, render } from '@testing-library/react'
import type { QueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { TestClient } from '../../testing/a-client.ts'
import { aBeing, anUtterance, SpaceLog } from '../../testing/space-log.ts'
import { RhizomProvider } from '../provider.tsx'
import type { QueryStore } from '../query-store.ts'
import { aHookClient } from './a-hook-client.ts'

/** The lobby, in which Ada and Bob are and Bob has said hello. */
export function aLobby(): SpaceLog {
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada' }) })
  log.write({ kind: 'being.put', body: aBeing('@bob', { location: '@lobby', name: 'Bob' }) })
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'hello') })
  return log
}

export interface Shown extends TestClient<QueryStore> {
  log: SpaceLog
  /** Moves time on and lets React and the store catch up. */
  pass: (ms: number) => Promise<void>
  draw: (children: ReactNode) => Promise<void>
}

export interface ShowOptions {
  log?: SpaceLog
  queryClient?: QueryClient
  /** Called before anything is drawn. */
  prepare?: (parts: TestClient<QueryStore>) => void
  preventUnsaved?: boolean
}

export async function show(children: ReactNode, options: ShowOptions = {}): Promise<Shown> {
  const parts = aHookClient(options.queryClient)
  const log = options.log ?? aLobby()
  parts.server.serve(log)
  options.prepare?.(parts)
  const page = (content: ReactNode) => (
    <RhizomProvider client={parts.client} preventUnsaved={options.preventUnsaved ?? false}>
      {content}
    </RhizomProvider>
  )
  // React lets what suspends go on only in a turn that is waited for.
  const { rerender } = await act(async () => render(page(children)))
  const pass = (ms: number) =>
    act(async () => {
      await parts.environment.advance(ms)
      await parts.environment.settle()
      await parts.environment.settle()
    })
  await pass(0)
  await pass(0)
  const draw = async (content: ReactNode) => {
    await act(async () => {
      rerender(page(content))
    })
  }
  return { ...parts, log, pass, draw }
}
