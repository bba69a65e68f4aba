/** One space: its name, its conversation, and those who are in it. */
import type { SpaceId } from '@rhizom/protocol'
import {
  type SpaceView,
  useForesee,
  useMutate,
  useSpace,
  useSpaceAccess,
  useSpacePosition,
  useSyncStatus,
} from '@rhizom/client/react'
import { PageLink } from '../page-link.tsx'
import { Composer } from '../chat/composer.tsx'
import { Conversation } from '../chat/conversation.tsx'
import { EditableName } from '../editable-name.tsx'
import { Boundary } from '../fault/boundary.tsx'
import { stripBidiControls, shownName } from '../foreign-text.ts'
import { InviteButton } from '../invites/invite-button.tsx'
import { Name } from '../name.tsx'
import { usePageTitle } from '../page-title.ts'
import { PresenceList } from '../presence/presence-list.tsx'
import { HOME_PATH } from '../route.ts'
import { useIsLate } from './use-is-late.ts'

/** So long a space may take before one is told that something is wrong, and given the ways out. */
const LATE_MS = 8_000

export function SpacePage({ id }: { id: SpaceId }) {
  const view = useSpace(id)
  const title = stripBidiControls(view.status === 'ready' ? shownName(view.space) : id)
  usePageTitle(title)
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
  const foresee = useForesee()
  const access = useSpaceAccess(id, { enters: true })
  const { space, beingCount, members } = view
  return (
    <main className="space" data-current={view.current}>
      <section className="space-main" aria-label="Conversation">
        <header className="space-header">
          <div className="space-title">
            <EditableName
              name={space.name}
              label="the name of the space"
              testId="space-name"
              canEdit={access.role === 'owner'}
              foresee={(name) => foresee('space.update', id, { name })}
              rename={(name, mutation) => mutate('space.update', id, { name }, { id: mutation })}
            >
              <h1 className="ellipsis" data-testid="space-name">
                <Name id={id} name={space.name} />
              </h1>
            </EditableName>
            <span className="quiet small-text">
              {space.id} · {space.visibility} · <Version of={id} />
            </span>
          </div>
          {access.role === 'owner' && <InviteButton space={id} />}
          {!view.current && (
            <span className="tag stale" role="status">
              {view.problem ?? 'Showing what was last known'}
              {view.problem !== undefined && (
                <button type="button" className="link" onClick={view.retry}>
                  Try again
                </button>
              )}
            </span>
          )}
        </header>
        <Conversation id={id} members={members} />
        <Composer id={id} access={access} />
      </section>
      <Boundary of={id} fallback={<p className="presence quiet small-text">Who is here cannot be shown.</p>}>
        <PresenceList space={id} locatedCount={beingCount} knownCount={view.beings.length} members={members} />
      </Boundary>
    </main>
  )
}

function Version({ of }: { of: SpaceId }) {
  return <span data-testid="version">version {useSpacePosition(of)?.version}</span>
}

function LoadingSpace({ id, problem, retry }: { id: SpaceId; problem: string | undefined; retry: () => void }) {
  const hasWaited = useIsLate(LATE_MS)
  // Without a connection the banner says what is the matter.
  const isLate = useSyncStatus().status === 'live' && hasWaited
  const waiting = isLate
    ? 'This takes longer than it should. The server may be newer than this page.'
    : 'Loading the space…'
  return (
    <main className="empty" aria-busy="true">
      <div className="spinner" aria-hidden="true" />
      <h1>{id}</h1>
      <p className="quiet" role="status">
        {problem ?? waiting}
      </p>
      <div className="actions">
        {problem !== undefined && (
          <button type="button" onClick={retry}>
            Try again now
          </button>
        )}
        {isLate && (
          <>
            <button type="button" onClick={() => window.location.reload()}>
              Reload
            </button>
            <PageLink className="button" href={HOME_PATH}>
              See all spaces
            </PageLink>
          </>
        )}
      </div>
    </main>
  )
}

/** By the code; a server that is newer than this page may have others. */
const closedTitles: ReadonlyMap<string, string> = new Map([
  ['removed', 'This space was removed'],
  ['revoked', 'You may no longer read this space'],
  ['not-found', 'There is no such space, or you may not read it'],
  ['too-many', 'Too many spaces are open'],
])

function ClosedSpace({ id, view }: { id: SpaceId; view: Extract<SpaceView, { status: 'closed' }> }) {
  return (
    <main className="empty" data-testid="space-closed" data-code={view.code}>
      <h1>{closedTitles.get(view.code) ?? 'This space cannot be shown'}</h1>
      <p className="quiet">
        {id} · {view.message}
      </p>
      <div className="actions">
        <PageLink className="button primary" href={HOME_PATH}>
          See all spaces
        </PageLink>
        <button type="button" onClick={view.retry}>
          Try again
        </button>
      </div>
    </main>
  )
}
