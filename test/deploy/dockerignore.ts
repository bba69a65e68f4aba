/**
 * Which files of the repository a build would see, by the rules of Docker. The types of the library know only its
 * export named `default`.
 */
import library from '@balena/dockerignore'

export type IsIgnored = (path: string) => boolean

/** `path` is relative to the root of the build context, with `/` between its parts. */
export function parseDockerignore(text: string): IsIgnored {
  const rules = library.default({ ignorecase: false }).add(text)
  return (path) => rules.ignores(path)
}
