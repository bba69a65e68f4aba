/**
 * Reads a Dockerfile as a list of stages with their instructions, so that a test can do what a build would do.
 * It knows the instructions our files use and refuses the others, rather than skipping something a build would run.
 */

export interface CopyInstruction {
  instruction: 'COPY'
  /** The stage copied from; undefined for the build context. */
  from?: string
  sources: string[]
  to: string
}

export type Instruction =
  | CopyInstruction
  | { instruction: 'RUN'; command: string }
  | { instruction: 'WORKDIR'; path: string }
  | { instruction: 'ENV'; values: Record<string, string> }
  | { instruction: 'USER'; user: string }
  | { instruction: 'EXPOSE'; port: number }
  | { instruction: 'HEALTHCHECK'; command: string[] }
  | { instruction: 'CMD'; command: string[] }

export interface Stage {
  name: string
  base: string
  instructions: Instruction[]
}

/** The stages of a Dockerfile; the last one is the image. Throws on what it does not know. */
export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = []
  for (const line of logicalLines(text)) {
    const [word = '', rest = ''] = splitFirst(line)
    if (word === 'FROM') {
      const from = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest)
      if (from?.[1] === undefined) throw new Error(`not understood: ${line}`)
      stages.push({ base: from[1], name: from[2] ?? 'image', instructions: [] })
      continue
    }
    const stage = stages.at(-1)
    if (stage === undefined) throw new Error(`before FROM: ${line}`)
    stage.instructions.push(parseInstruction(word, rest))
  }
  return stages
}

function parseInstruction(word: string, rest: string): Instruction {
  switch (word) {
    case 'RUN':
      return { instruction: 'RUN', command: rest }
    case 'WORKDIR':
      return { instruction: 'WORKDIR', path: rest }
    case 'USER':
      return { instruction: 'USER', user: rest }
    case 'EXPOSE':
      return { instruction: 'EXPOSE', port: Number(rest) }
    case 'ENV':
      return { instruction: 'ENV', values: Object.fromEntries(rest.split(/\s+/).map(pair)) }
    case 'CMD':
      return { instruction: 'CMD', command: execForm(rest) }
    case 'HEALTHCHECK':
      return { instruction: 'HEALTHCHECK', command: execForm(rest.replace(/^.*?CMD\s+/, '')) }
    case 'COPY': {
      const words = rest.split(/\s+/)
      const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
      const to = words.pop()
      if (to === undefined || words.length === 0 || words[0]?.startsWith('--'))
        throw new Error(`not understood: COPY ${rest}`)
      return { instruction: 'COPY', sources: words, to, ...(from === undefined ? {} : { from }) }
    }
    default:
      throw new Error(`not understood: ${word} ${rest}`)
  }
}

/** Lines without comments and blank lines, continued lines joined. */
const logicalLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function splitFirst(line: string): [string, string] {
  const cut = line.search(/\s/)
  return cut < 0 ? [line, ''] : [line.slice(0, cut), line.slice(cut).trim()]
}

function pair(text: string): [string, string] {
  const cut = text.indexOf('=')
  if (cut < 0) throw new Error(`not understood: ENV ${text}`)
  return [text.slice(0, cut), text.slice(cut + 1)]
}

/** The exec form only: the shell form would put a shell between SIGTERM and the process. */
function execForm(text: string): string[] {
  const parsed: unknown = JSON.parse(text)
  if (!Array.isArray(parsed) || !parsed.every((item) => typeof item === 'string'))
    throw new Error(`not exec form: ${text}`)
  return parsed
}

/** The last instruction of a kind in a stage. */
export function lastOf<K extends Instruction['instruction']>(
  stage: Stage,
  kind: K,
): Extract<Instruction, { instruction: K }> | undefined {
  return stage.instructions.findLast(
    (candidate): candidate is Extract<Instruction, { instruction: K }> => candidate.instruction === kind,
  )
}
