/**
 * Reads an nginx configuration as a tree, so that a test can ask what it says where nginx itself is not installed.
 * Knows words, quotes, comments, `;` and `{ }`: that is all of nginx's grammar that our file uses.
 */
export interface Directive {
  name: string
  args: string[]
  block: Directive[]
}

export function parseNginxConfig(text: string): Directive[] {
  const tokens = text.match(/#[^\n]*|"[^"]*"|'[^']*'|\$\{\w+\}[^\s;{}]*|[;{}]|[^\s;{}"']+/g) ?? []
  const words = tokens.filter((token) => !token.startsWith('#'))
  const root: Directive[] = []
  const open: Directive[][] = [root]
  let current: string[] = []
  const add = (): Directive => {
    const [name, ...args] = current
    if (name === undefined) throw new Error('a directive without a name')
    const directive = { name, args: args.map((arg) => arg.replace(/^(['"])(.*)\1$/, '$2')), block: [] }
    open.at(-1)?.push(directive)
    current = []
    return directive
  }
  for (const word of words) {
    switch (word) {
      case ';':
        add()
        break
      case '{':
        open.push(add().block)
        break
      case '}':
        open.pop()
        if (open.length === 0 || current.length > 0) throw new Error('a } too many, or a ; too few')
        break
      default:
        current.push(word)
    }
  }
  if (open.length !== 1 || current.length > 0) throw new Error('the file ends too early')
  return root
}

/** The directives of a name within a block. */
export const named = (block: readonly Directive[], name: string): Directive[] =>
  block.filter((directive) => directive.name === name)

/** What the entry point of the nginx image does: puts the environment in the place of ${…}, and nothing else. */
export const fillTemplate = (template: string, env: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? whole)
