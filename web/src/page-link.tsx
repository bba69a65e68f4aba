import type { ComponentProps, MouseEvent } from 'react'
import { goTo, leadsOnHere } from './location.ts'

type PageLinkProps = Omit<ComponentProps<'a'>, 'onClick'> & { href: string }

/** A link to another part of the page. */
export function PageLink({ href, ...others }: PageLinkProps) {
  const follow = (event: MouseEvent): void => {
    if (!leadsOnHere(event)) return
    event.preventDefault()
    goTo(href)
  }
  return <a href={href} onClick={follow} {...others} />
}
