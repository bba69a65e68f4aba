/** Who else is typing, in one line that is always there, so that nothing moves when somebody begins or stops. */
import type { TypingView } from '@rhizom/client/react'

export function TypingLine({ typing }: Pick<TypingView, 'typing'>) {
  const names = typing.map(({ being, entity }) => entity?.name ?? being)
  return (
    <p className="typing quiet tiny-text" role="status" data-testid="typing">
      {names.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span className="ellipsis">{sentenceOf(names)}</span>
        </>
      )}
    </p>
  )
}

function sentenceOf(names: readonly string[]): string {
  const [first, second, third] = names
  if (second === undefined) return `${first} is typing…`
  if (third === undefined) return `${first} and ${second} are typing…`
  return names.length === 3 ? `${first}, ${second} and ${third} are typing…` : 'Several people are typing…'
}
