/** Says in words that something broke and what one can do, in place of what broke. */
import { type ReactNode, useEffect, useRef } from 'react'
import { draftsOutliveReload } from '../chat/drafts.ts'

interface Props {
  title: string
  children: ReactNode
  actions: ReactNode
}

export function FaultNotice({ title, children, actions }: Props) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // What had the focus is gone with what broke. A focus elsewhere stays where it is.
    if (document.activeElement === document.body) box.current?.focus()
  }, [])
  return (
    <div className="fault" role="alert" tabIndex={-1} ref={box} data-testid="fault">
      <TornPage />
      <h1>{title}</h1>
      <p className="quiet">
        {children}
        {draftsOutliveReload() && ' What you were writing is kept.'}
      </p>
      <div className="actions">{actions}</div>
    </div>
  )
}

function TornPage() {
  return (
    <svg className="fault-mark" viewBox="0 0 48 48" width="56" height="56" aria-hidden="true">
      <g fill="none" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" strokeLinejoin="round">
        <path d="M10 20V9a3 3 0 0 1 3-3h15l10 10v7l-5 3-5-5-6 6-6-5-6 4z" />
        <path d="M28 6v7a3 3 0 0 0 3 3h7" />
        <path d="M10 33l6-4 6 5 6-6 5 5 5-3v9a3 3 0 0 1-3 3H13a3 3 0 0 1-3-3z" />
      </g>
    </svg>
  )
}
