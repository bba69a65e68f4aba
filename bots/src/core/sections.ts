/**
 * Documents as sections that can be found by words: what stands under one heading is one section. Found by the words
 * that are rare among the sections (tf-idf), those of the heading counting more.
 */
export interface Document {
  /** As one would open it, from the root of the repository. */
  file: string
  text: string
}

export interface Section {
  file: string
  heading: string
  /** Paragraphs and lists, without code, tables and marks of the printer. */
  paragraphs: readonly string[]
}

const HEADING = /^#{1,6} +(.+?) *#*$/

export function sectionsOf({ file, text }: Document): Section[] {
  const sections: Section[] = []
  let heading = file
  let lines: string[] = []
  const close = (): void => {
    const paragraphs = paragraphsOf(lines)
    if (paragraphs.length > 0) sections.push({ file, heading, paragraphs })
    lines = []
  }
  let isCode = false
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode
    const title = isCode ? undefined : HEADING.exec(line)?.[1]
    if (title === undefined) {
      lines.push(isCode || line.startsWith('```') ? '' : line)
      continue
    }
    close()
    heading = plain(title)
  }
  close()
  return sections
}

/** Lines that belong together, as one line each; tables and images say nothing that can be read out. */
function paragraphsOf(lines: readonly string[]): string[] {
  const paragraphs: string[] = []
  let open = ''
  const close = (): void => {
    if (/\w/.test(open)) paragraphs.push(plain(open.trim()))
    open = ''
  }
  for (const line of lines) {
    const isItem = /^\s*([-*]|\d+\.) /.test(line)
    if (line.trim() === '' || isItem) close()
    if (/^\s*(\||<|!\[)/.test(line)) continue
    open += ` ${line.trim()}`
  }
  close()
  return paragraphs
}

const GLOSSARY = /<!-- glossary:begin -->(.*?)<!-- glossary:end -->/gs
const DEFINITION = /^\| \*\*([^*|]+)\*\* \| ([^|]+) \|/gm

/** What a glossary says: in each row a word in bold, and in the next cell what it means. */
export const definitionsIn = ({ text }: Document): (readonly [word: string, meaning: string])[] =>
  [...text.matchAll(GLOSSARY)]
    .flatMap(([glossary]) => [...glossary.matchAll(DEFINITION)])
    .map(([, word = '', meaning = '']) => [word, plain(meaning.trim())])

/** Without the marks of Markdown. */
const plain = (text: string): string =>
  text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|`/g, '')
    .replace(/^[-*] /, '· ')

const COMMON = new Set(
  'a about am an and are as at be by can do does for from get give has have how i if in is it its me my of on or please so tell that the then there this to was we what when where which who why will with work works you your'.split(
    ' ',
  ),
)

/** Words that say something, in one form for singular and plural. */
export const wordsIn = (text: string): string[] =>
  (text.toLowerCase().match(/[a-z0-9]+/g) ?? [])
    .filter((word) => word.length > 1 && !COMMON.has(word))
    .map((word) => (word.length > 4 ? word.replace(/(?<=[^s])s$|(?<=s)es$|(?<=\w{3})(ing|ed)$/, '') : word))

const HEADING_WEIGHT = 3

export interface Found {
  section: Section
  score: number
}

/** A search over sections, the best first; those without any of the words are left out. */
export function searchOver(sections: readonly Section[]): (question: string) => Found[] {
  const counted = sections.map((section) => {
    const counts = new Map<string, number>()
    const count = (text: string, weight: number): void => {
      for (const word of wordsIn(text)) counts.set(word, (counts.get(word) ?? 0) + weight)
    }
    count(section.heading, HEADING_WEIGHT)
    for (const paragraph of section.paragraphs) count(paragraph, 1)
    return { section, counts }
  })
  const rarity = (word: string): number => {
    const holding = counted.filter(({ counts }) => counts.has(word)).length
    return holding === 0 ? 0 : Math.log(1 + sections.length / holding)
  }
  return (question) => {
    const words = [...new Set(wordsIn(question))].map((word) => [word, rarity(word)] as const)
    return counted
      .map(({ section, counts }) => {
        const score = words.reduce((sum, [word, rare]) => {
          const times = counts.get(word) ?? 0
          return sum + (rare * times) / (times + 2)
        }, 0)
        return { section, score }
      })
      .filter(({ score }) => score > 0)
      .sort((left, right) => right.score - left.score)
  }
}

/** The paragraphs of a section that say most about a question, in their order, up to a length. */
export function excerptOf({ paragraphs }: Section, question: string, characters: number): string[] {
  const asked = new Set(wordsIn(question))
  const hits = (text: string): number => new Set(wordsIn(text).filter((word) => asked.has(word))).size
  const best = paragraphs
    .map((text, place) => ({ text, place, score: hits(text) }))
    .sort((left, right) => right.score - left.score || left.place - right.place)
  let left = characters
  const kept = best.filter(({ text }, index) => {
    if (index > 0 && text.length > left) return false
    left -= text.length
    return true
  })
  return kept.sort((one, other) => one.place - other.place).map(({ text }) => text)
}
