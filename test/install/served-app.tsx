/** The app that a server draws and a browser goes on with. */
import { type Session, textOf } from '@rhizom/client'
import { type HookClient, RhizomProvider, useSay, useSelf, useSpace, useSpaceIntentions } from '@rhizom/client/react'
import { StrictMode } from 'react'

/** What goes along with the markup. */
export interface Served {
  space: string
  session: Session
  dehydrated: string
}

function Room({ space }: { space: string }) {
  const view = useSpace(space)
  const { intentions } = useSpaceIntentions(space)
  const { being } = useSelf()
  const say = useSay(space)
  return (
    <main>
      <h1>{view.status === 'ready' ? view.space.name : view.status}</h1>
      <p>{being.name}</p>
      <ol>
        {intentions.map(({ id, content, author }) => (
          <li key={id}>{`${author?.name}: ${textOf(content)}`}</li>
        ))}
      </ol>
      <button type="button" onClick={() => void say('Clicked')}>
        Say it
      </button>
    </main>
  )
}

export const OnServer = ({ space, client }: { space: string; client: HookClient }) => (
  <StrictMode>
    <RhizomProvider client={client}>
      <Room space={space} />
    </RhizomProvider>
  </StrictMode>
)

export const InBrowser = ({ space, session, dehydrated }: Served) => (
  <StrictMode>
    <RhizomProvider session={session} dehydrated={dehydrated}>
      <Room space={space} />
    </RhizomProvider>
  </StrictMode>
)
