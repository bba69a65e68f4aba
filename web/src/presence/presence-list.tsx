/**
 * Who is here now, and who is located here but away. Being located in a space is a fact of the space; being here is
 * having it open. Those who look from outside are here as well, and marked as such. Bots and documents, which do not
 * come and go, are not counted among people. Where there is no room beside the conversation, the list folds into a row
 * of faces that opens.
 */
import { type AwayView, type HereView, useSpacePresence } from '@rhizom/client/react'
import type { BeingId, Role, SpaceId } from '@rhizom/protocol'
import { useId, useState } from 'react'
import { AwayItem, HereItem, MarkedAvatar, markOf } from './presence-item.tsx'
import { useNow } from './use-now.ts'
import { useOwnState } from './use-own-state.ts'

/** More of a list than these are shown on demand: nobody reads two hundred names by accident. */
const SHOWN_AT_FIRST = 50
const FACES = 4
const TICK_MS = 15_000

interface Props {
  space: SpaceId
  /** How many are located in the space, and how many of them are known. */
  locatedCount: number
  knownCount: number
  members: Readonly<Record<BeingId, Role>> | undefined
}

export function PresenceList({ space, locatedCount, knownCount, members }: Props) {
  const [hereShown, setHereShown] = useState(SHOWN_AT_FIRST)
  const [awayShown, setAwayShown] = useState(SHOWN_AT_FIRST)
  const presence = useSpacePresence(space, { shown: Math.max(hereShown, awayShown) })
  const { here, hereCount, away, isSample, frozen, stale } = presence
  useOwnState(space)
  const nowMs = useNow(TICK_MS)
  const [isOpen, setIsOpen] = useState(false)
  const id = useId()
  const shown = here.slice(0, hereShown)
  const people = away.filter(isPerson)
  const things = away.filter((one) => !isPerson(one))
  const awayItem = (one: AwayView) => <AwayItem key={one.being} one={one} role={members?.[one.being]} nowMs={nowMs} />
  return (
    <aside className="presence" aria-label="People" data-open={isOpen} data-stale={stale} data-frozen={frozen}>
      <header className="presence-head">
        <h2 id={`${id}-here`}>Here now</h2>
        <StaleNotice frozen={frozen} stale={stale} />
        <span className="presence-count" data-testid="presence-count">
          {hereCount} here
          {shown.length < hereCount && <span className="presence-shown">, showing {shown.length}</span>}
        </span>
        <button
          type="button"
          className="presence-toggle"
          data-testid="presence-toggle"
          aria-label="People in this space"
          aria-expanded={isOpen}
          aria-controls={`${id}-body`}
          onClick={() => setIsOpen(!isOpen)}
        >
          <Faces here={here} />
        </button>
      </header>
      <div className="presence-body" id={`${id}-body`}>
        <ul aria-labelledby={`${id}-here`}>
          {shown.map((one) => (
            <HereItem
              key={one.being}
              one={one}
              isLocated={one.entity?.location === space}
              role={members?.[one.being]}
              nowMs={nowMs}
            />
          ))}
        </ul>
        <More shown={shown.length} listed={here.length} count={hereCount} show={setHereShown} />
        {here.length === 0 && !stale && <p className="quiet small-text">Nobody has this space open.</p>}
        {isSample && (
          <p className="quiet small-text" data-testid="presence-sample">
            With so many here, only some of them are listed. Located in this space: {locatedCount}.
          </p>
        )}
        {people.length > 0 && (
          <>
            <h2 className="presence-away-head" id={`${id}-away`}>
              Located here, away <span className="count">{people.length}</span>
            </h2>
            <ul aria-labelledby={`${id}-away`}>{people.slice(0, awayShown).map(awayItem)}</ul>
            <More
              shown={Math.min(people.length, awayShown)}
              listed={people.length}
              count={people.length}
              show={setAwayShown}
            />
          </>
        )}
        {!isSample && locatedCount > knownCount && (
          <p className="quiet small-text">{locatedCount - knownCount} more are located here.</p>
        )}
        {things.length > 0 && (
          <>
            <h2 className="presence-away-head" id={`${id}-things`}>
              Bots and documents <span className="count">{things.length}</span>
            </h2>
            <ul aria-labelledby={`${id}-things`}>{things.slice(0, awayShown).map(awayItem)}</ul>
            <More
              shown={Math.min(things.length, awayShown)}
              listed={things.length}
              count={things.length}
              show={setAwayShown}
            />
          </>
        )}
      </div>
    </aside>
  )
}

const isPerson = ({ entity }: AwayView): boolean => entity.type === 'guest'

interface MoreProps {
  shown: number
  /** How many could be shown, and how many there are. */
  listed: number
  count: number
  show: (atMost: number) => void
}

/** What a list leaves out, and the way to it as far as it is known. */
function More({ shown, listed, count, show }: MoreProps) {
  const rest = `and ${count - shown} more`
  return (
    <>
      {listed > shown ? (
        <button type="button" className="link small-text" data-testid="presence-more" onClick={() => show(listed)}>
          {rest}
        </button>
      ) : (
        count > shown && (
          <p className="quiet small-text" data-testid="presence-more">
            {rest}
          </p>
        )
      )}
      {shown > SHOWN_AT_FIRST && (
        <button type="button" className="link small-text" onClick={() => show(SHOWN_AT_FIRST)}>
          show fewer
        </button>
      )}
    </>
  )
}

/** The first few as discs: enough to see that one is not alone. */
function Faces({ here }: { here: readonly HereView[] }) {
  return (
    <>
      {here.slice(0, FACES).map((one) => (
        <MarkedAvatar
          key={one.being}
          id={one.being}
          name={one.entity?.name ?? one.being}
          mark={markOf(one)}
          size={26}
        />
      ))}
      <span className="chevron" aria-hidden="true" />
    </>
  )
}

/** Says plainly when the list may not be what is. Its place is always there, so that nothing moves when it fills. */
function StaleNotice({ frozen, stale }: { frozen: boolean; stale: boolean }) {
  return (
    <p className="presence-doubt tiny-text" role="status">
      {stale ? (
        <span data-testid="presence-stale" title="There is no connection. This is who was here before.">
          Last known
        </span>
      ) : (
        frozen && (
          <span data-testid="presence-frozen" title="Who comes and goes cannot be known right now.">
            Frozen, last known
          </span>
        )
      )}
    </p>
  )
}
