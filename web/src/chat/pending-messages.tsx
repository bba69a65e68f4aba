/** What was said and has not come back yet, with the reason if it takes long. */
import { usePendingMutations } from '@rhizom/client/react'
import type { Intention, SpaceId } from '@rhizom/protocol'
import { useEffect, useMemo } from 'react'
import { readable } from '../foreign-text.ts'
import { Countdown } from '../sync-status/countdown.tsx'
import type { Utterance, Utterances } from './use-utterances.ts'

interface Props {
  id: SpaceId
  /** The version the space stands at. */
  version: number
  utterances: Utterances
  shown: readonly Intention[]
}

export function PendingMessages({ id, version, utterances, shown }: Props) {
  const { all, drop } = utterances
  const arrived = useMemo(() => arrivedAmong(all, version, shown), [all, version, shown])
  useEffect(() => {
    for (const utterance of arrived) if (utterance.state.status === 'sent') drop(utterance)
  }, [arrived, drop])
  const underWay = all.filter((utterance) => utterance.state.status !== 'refused' && !arrived.has(utterance))
  if (underWay.length === 0) return null
  return (
    <ol className="messages sending" aria-label="Being sent">
      {underWay.map((utterance) => (
        <li key={utterance.id} className="message" data-own="true" data-testid="sending">
          <div className="message-body">
            <p className="bubble">{readable(utterance.text)}</p>
            <span className="quiet tiny-text" role="status">
              {utterance.state.status === 'sent' ? (
                'Sent. Others see it; here it joins the conversation once the connection is back.'
              ) : (
                <Progress space={id} utterance={utterance} />
              )}
            </span>
          </div>
        </li>
      ))}
    </ol>
  )
}

/** Those that the stream has brought back, before or after the answer to them. */
function arrivedAmong(all: readonly Utterance[], version: number, shown: readonly Intention[]): ReadonlySet<Utterance> {
  const hasArrived = ({ id, state }: Utterance): boolean =>
    (state.status === 'sent' && state.version <= version) || shown.some((intention) => intention.id === id)
  return new Set(all.filter(hasArrived))
}

function Progress({ space, utterance }: { space: SpaceId; utterance: Utterance }) {
  const pending = usePendingMutations(space).find(
    ({ mutation }) => mutation.name === 'intention.create' && mutation.args.id === utterance.id,
  )
  if (pending === undefined || pending.problem === undefined) return 'Sending…'
  return (
    <>
      Not sent yet: {pending.problem}
      {pending.nextAttemptAtMs !== undefined && (
        <>
          {' '}
          Trying again in <Countdown untilMs={pending.nextAttemptAtMs} />.
        </>
      )}
    </>
  )
}
