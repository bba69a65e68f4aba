/**
 * What somebody or something is called. Names are free and may be anybody's, so each says on hover whose it is, and
 * stands in an element of its own, so that its writing direction ends with it.
 */
import { type Named, stripBidiControls, shownName } from './foreign-text.ts'

export function Name({ id, name }: Named) {
  return (
    <bdi className="ellipsis" title={nameWithId({ id, name })}>
      {shownName({ id, name })}
    </bdi>
  )
}

/** The id behind a name, beside it. Its end tells it from another of the same name, and is the last to give way. */
export function BeingIdText({ id }: Pick<Named, 'id'>) {
  return (
    <span className="being-id ellipsis" title={id}>
      <bdi data-testid="being-id">{id}</bdi>
    </span>
  )
}

/** For tooltips: the name, and the id behind it. */
export function nameWithId(named: Named): string {
  const shown = shownName(named)
  return shown === named.id ? named.id : `${stripBidiControls(shown)} · ${named.id}`
}
