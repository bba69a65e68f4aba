/**
 * Which files of the repository a build would see. Understands what our .dockerignore uses: comments, exact paths,
 * and patterns with `*` and `**`; an exception (`!…`) is refused, because nothing here handles one.
 */
export type IsIgnored = (path: string) => boolean

/** `path` is relative to the root of the build context, with `/` between its parts. */
export function parseDockerignore(text: string): IsIgnored {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(toRegExp)
  return (path) => patterns.some((pattern) => pattern.test(path))
}

/** A pattern matches a path and everything below it. `**` stands for any number of folders, also none. */
function toRegExp(pattern: string): RegExp {
  if (pattern.startsWith('!')) throw new Error(`an exception is not understood: ${pattern}`)
  const source = pattern
    .replace(/^\/|\/$/g, '')
    .split('/')
    .map((part) => (part === '**' ? '**' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')))
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
  return new RegExp(`^${source}(?:/|$)`)
}
