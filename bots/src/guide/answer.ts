/**
 * The guide: answers from documents, without a model, word by word at the pace of one, so that a newcomer sees a reply
 * being asked for, streaming, and going on when the guide is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../answer.ts'
import { definitionsIn, type Document, excerptOf, searchOver, sectionsOf, wordsIn } from '../core/sections.ts'

const EXCERPT_CHARACTERS = 700
const OTHERS = 2
const MEANINGS = 2

const HELLO =
  'I am the guide: a bot without a model, which reads the documents of rhizom. Ask me about spaces, epochs, claims, ' +
  'presence, how to run it for real, or what happens when a gateway dies. Or kill me in mid-sentence (my pid is in ' +
  '.local/run.json): the answer goes on, because a reply belongs to the log and not to me.'

/** `paceMs` is the wait between two words. */
export function guide(documents: readonly Document[], paceMs: number): Answer {
  const answerTo = answering(documents)
  return async function* answer({ request, reply, attempt, signal }) {
    const question = request.text.replaceAll(reply.owner, ' ')
    const again = attempt > 1 ? `(Attempt ${attempt}: whoever began this answer is gone.) ` : ''
    for (const word of `${again}${answerTo(question)}`.split(/(?<=\s)(?=\S)/)) {
      yield word
      await sleep(paceMs, undefined, { signal })
    }
  }
}

/** What the guide says to a question: what the words in it mean, and what the documents say of it. */
export function answering(documents: readonly Document[]): (question: string) => string {
  const search = searchOver(documents.flatMap(sectionsOf))
  const definitions = documents.flatMap(definitionsIn)
  return (question) => {
    const [best, ...others] = search(question)
    if (best === undefined) return HELLO
    const asked = new Set(wordsIn(question))
    const meant = definitions.filter(([word]) => wordsIn(word).every((part) => asked.has(part)))
    const meanings = meant.slice(0, MEANINGS).map(([word, meaning]) => `${capital(word)}: ${meaning}.\n\n`)
    const { section } = best
    const titles = new Set(others.map((other) => `“${other.section.heading}” in ${other.section.file}`))
    const more = [...titles].slice(0, OTHERS)
    const seeAlso = more.length === 0 ? '' : `\n\nSee also ${more.join(', and ')}.`
    const excerpt = excerptOf(section, question, EXCERPT_CHARACTERS).join('\n\n')
    return `${meanings.join('')}From ${section.file}, “${section.heading}”:\n\n${excerpt}${seeAlso}`
  }
}

const capital = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`
