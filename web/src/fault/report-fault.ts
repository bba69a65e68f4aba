/**
 * One entry in the console, and for whatever gathers the errors of the page: where it broke, and the error itself as
 * the cause. People are told in words, by what stands in place of what broke.
 */
export function reportFault(error: unknown, { componentStack }: { componentStack?: string | undefined }): void {
  const [where = 'of the page'] = (componentStack ?? '').trim().split('\n')
  reportError(new Error(`rhizom: a part could not be drawn (${where.trim()})`, { cause: error }))
}
