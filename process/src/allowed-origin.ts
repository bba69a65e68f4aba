/**
 * Whether a page of this origin may ask a process that is asked as `host`: one of a list, in which `*` is everybody;
 * without a list only pages of the same host. A client that is no browser sends no origin (''), and may.
 */
export function isOriginAllowed(origin: string, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === '') return true
  if (allowed.length > 0) return allowed.includes('*') || allowed.includes(origin)
  return URL.canParse(origin) && host !== undefined && host !== '' && new URL(origin).host === host.toLowerCase()
}
