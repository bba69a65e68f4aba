/**
 * Who is mentioned: `@slug` in text, as a word of its own, or a node `{type: "mention", being: "@slug"}`. Capital
 * letters are as good as small ones.
 */
import type { BeingId, Content } from '@rhizom/protocol'

const MENTION = /(?<![\w@.-])@[a-z0-9][a-z0-9-]{0,62}(?![\w-])/gi

/** Whether what comes behind the text may make another mention of its end. */
export const isMentionOpen = (text: string): boolean => /@[\w-]*$/.test(text)

export function mentionsIn(content: Content): Set<BeingId> {
  const mentioned = new Set<BeingId>()
  for (const node of content) {
    if (typeof node === 'string') for (const [slug] of node.matchAll(MENTION)) mentioned.add(slug.toLowerCase())
    else if (node['type'] === 'mention' && typeof node['being'] === 'string') mentioned.add(node['being'])
  }
  return mentioned
}
