/** Who else is typing, in one line that is always there, so that nothing moves when somebody begins or stops. */
import type { TypingView } from '@rhizom/client/react'
import { Fragment } from 'react'
import { Name } from '../name.tsx'
import { useThrottledLiveRegion } from './use-throttled-live-region.ts'

/** A screen reader hears of typing now and then: whoever listens wants the messages. */
const QUIET_MS = 20_000
const NAMES_SHOWN = 3

export function TypingLine({ typing }: Pick<TypingView, 'typing'>) {
  const live = useThrottledLiveRegion(typing.length > 0, QUIET_MS)
  return (
    <p className="typing quiet tiny-text" role="status" aria-live={live} data-testid="typing">
      {typing.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <TypingSentence typing={typing} />
        </>
      )}
    </p>
  )
}

/** Long names give way to each other and to the verb. */
function TypingSentence({ typing }: Pick<TypingView, 'typing'>) {
  if (typing.length > NAMES_SHOWN) return <span>Several people are typing…</span>
  return (
    <span className="typing-sentence">
      {typing.map(({ being, entity }, index) => (
        <Fragment key={being}>
          {index > 0 && (index === typing.length - 1 ? ' and ' : ', ')}
          <Name id={being} name={entity?.name ?? being} />
        </Fragment>
      ))}
      <span className="typing-verb">{typing.length === 1 ? ' is typing…' : ' are typing…'}</span>
    </span>
  )
}
