/** The title of the document: where one is, and before that how much is unread, for a tab that is not in front. */
import { totalOf } from '@rhizom/client'
import { useNews } from '@rhizom/client/react'
import { useEffect } from 'react'

export const PRODUCT = 'rhizom'

export function titleOf(page: string | undefined, unread: number): string {
  const title = page === undefined ? PRODUCT : `${page} · ${PRODUCT}`
  return unread === 0 ? title : `(${unread}) ${title}`
}

/** `page` names what is shown, if that has a name. */
export function usePageTitle(page: string | undefined): void {
  const { unread } = totalOf(useNews())
  useEffect(() => {
    document.title = titleOf(page, unread)
    return () => {
      document.title = PRODUCT
    }
  }, [page, unread])
}
