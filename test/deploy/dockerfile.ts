/**
 * Reads a Dockerfile as a list of stages with their instructions, so that a test can do what a build would do.
 * The grammar is the library's; this knows the instructions our files use and refuses the others, rather than skipping
 * something a build would run.
 */
import {
  Cmd,
  Copy,
  DockerfileParser,
  Env,
  From,
  Healthcheck,
  type Instruction as Parsed,
  type JSONInstruction,
} from 'dockerfile-ast'

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
  for (const parsed of DockerfileParser.parse(text).getInstructions()) {
    const stage = stages.at(-1)
    if (parsed instanceof From)
      stages.push({ base: parsed.getImage() ?? '', name: parsed.getBuildStage() ?? 'image', instructions: [] })
    else if (stage === undefined) throw new Error(`before FROM: ${parsed.toString()}`)
    else stage.instructions.push(known(parsed))
  }
  return stages
}

function known(parsed: Parsed): Instruction {
  const words = parsed.getArguments().map((word) => word.getValue())
  const [first = ''] = words
  if (parsed instanceof Env) {
    const values = parsed.getProperties().map((each) => [each.getName(), each.getValue() ?? ''])
    return { instruction: 'ENV', values: Object.fromEntries(values) }
  }
  if (parsed instanceof Healthcheck) {
    const command = DockerfileParser.parse((parsed.getRawArgumentsContent() ?? '').replace(/^.*?(?=CMD\s)/, ''))
    const [check] = command.getInstructions()
    if (!(check instanceof Cmd)) throw new Error(`not understood: ${parsed.toString()}`)
    return { instruction: 'HEALTHCHECK', command: execForm(check) }
  }
  if (parsed instanceof Copy) {
    const flags = parsed.getFlags()
    const to = words.at(-1)
    if (to === undefined || words.length < 2 || flags.some((flag) => flag.getName() !== 'from'))
      throw new Error(`not understood: ${parsed.toString()}`)
    const from = flags[0]?.getValue()
    return { instruction: 'COPY', sources: words.slice(0, -1), to, ...(typeof from === 'string' ? { from } : {}) }
  }
  if (parsed instanceof Cmd) return { instruction: 'CMD', command: execForm(parsed) }
  switch (parsed.getKeyword()) {
    case 'RUN':
      return { instruction: 'RUN', command: words.join(' ') }
    case 'WORKDIR':
      return { instruction: 'WORKDIR', path: first }
    case 'USER':
      return { instruction: 'USER', user: first }
    case 'EXPOSE':
      return { instruction: 'EXPOSE', port: Number(first) }
    default:
      throw new Error(`not understood: ${parsed.getKeyword()} ${words.join(' ')}`)
  }
}

/** The exec form only: the shell form would put a shell between SIGTERM and the process. */
function execForm(command: JSONInstruction): string[] {
  const words = command.getJSONStrings().map((word) => word.getJSONValue())
  if (command.getClosingBracket() === null || words.length === 0)
    throw new Error(`not exec form: ${command.toString()}`)
  return words
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
