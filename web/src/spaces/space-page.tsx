/** One space: its name, its conversation, and those who are in it. */
import type { SpaceId } from '@rhizom/protocol'
import { type SpaceView, useMutate, useSpace } from '@rhizom/client/react'
import { useEffect } from 'react'
import { Link } from 'wouter'
import { Composer } from '../chat/composer.tsx'
import { Conversation } from '../chat/conversation.tsx'
import { useUtterances } from '../chat/use-utterances.ts'
import { EditableName } from '../editable-name.tsx'
import { plain } from '../plain.ts'
import { PresenceList } from '../presence/presence-list.tsx'
import { HOME_PATH } from '../route.ts'
import { usePlace } from './use-place.ts'

export function SpacePage({ id }: { id: SpaceId }) {
  const view = useSpace(id)
  const title = view.status === 'ready' ? view.space.name : id
  useEffect(() => {
    document.title = `${plain(title)} · rhizom`
    return () => {
      document.title = 'rhizom'
    }
  }, [title])
  switch (view.status) {
    case 'loading':
      return <LoadingSpace id={id} problem={view.problem} retry={view.retry} />
    case 'closed':
      return <ClosedSpace id={id} view={view} />
    case 'ready':
      return <OpenSpace id={id} view={view} />
    default:
      return view satisfies never
  }
}

function OpenSpace({ id, view }: { id: SpaceId; view: Extract<SpaceView, { status: 'ready' }> }) {
  const mutate = useMutate()
  const place = usePlace(id, view)
  const utterances = useUtterances(id)
  const { space, beingCount } = view
  return (
    <main className="space" data-current={view.current}>
      <section className="space-main" aria-label="Conversation">
        <header className="space-header">
          <div className="space-title">
            <EditableName
              name={space.name}
              label="the name of the space"
              testId="space-name"
              canEdit={place.role === 'owner'}
              rename={(name) => mutate('space.update', id, { name })}
            >
              <h1 className="ellipsis" dir="auto" data-testid="space-name">
                {space.name}
              </h1>
            </EditableName>
            <span className="quiet small-text">
              {space.id} · {space.visibility} · <span data-testid="version">version {view.position.version}</span>
            </span>
          </div>
          {!view.current && (
            <span className="tag stale" role="status">
              {view.problem ?? 'Showing what was last known'}
              {view.problem !== null && (
                <button type="button" className="link" onClick={view.retry}>
                  Try again
                </button>
              )}
            </span>
          )}
        </header>
        <Conversation id={id} version={view.position.version} utterances={utterances} />
        <Composer id={id} utterances={utterances} place={place} />
      </section>
      <PresenceList space={id} locatedCount={beingCount} knownCount={view.beings.length} members={view.members} />
    </main>
  )
}

function LoadingSpace({ id, problem, retry }: { id: SpaceId; problem: string | null; retry: () => void }) {
  return (
    <main className="empty" aria-busy="true">
      <div className="spinner" aria-hidden="true" />
      <h1>{id}</h1>
      <p className="quiet" role="status">
        {problem ?? 'Loading the space…'}
      </p>
      {problem !== null && (
        <button type="button" onClick={retry}>
          Try again now
        </button>
      )}
    </main>
  )
}

const closedTitles: Readonly<Record<string, string>> = {
  removed: 'This space was removed',
  revoked: 'You may no longer read this space',
  'not-found': 'There is no such space, or you may not read it',
  'too-many': 'Too many spaces are open',
}

function ClosedSpace({ id, view }: { id: SpaceId; view: Extract<SpaceView, { status: 'closed' }> }) {
  return (
    <main className="empty" data-testid="space-closed" data-code={view.code}>
      <h1>{closedTitles[view.code] ?? 'This space cannot be shown'}</h1>
      <p className="quiet">
        {id} · {view.message}
      </p>
      <div className="actions">
        <Link className="button primary" href={HOME_PATH}>
          See all spaces
        </Link>
        <button type="button" onClick={view.retry}>
          Try again
        </button>
      </div>
    </main>
  )
}
