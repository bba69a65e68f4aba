/**
 * Plays one episode after the other, several at a time, and counts what came of them. The first that is not as it
 * should be ends it; what is to be thought of the processes themselves is the verdict's matter (verdict.ts), as for
 * every attack.
 */
import type { Attack, Stage } from '../stage.ts'
import { type Operation, readOperations } from '../operations.ts'
import { type Episode, episodeOf, type Grammar, grammarOf } from './episode.ts'
import { type Played, Player } from './play.ts'
import { Tally } from './tally.ts'
import { FuzzWorld } from './world.ts'

const LANES = 16

export interface Finding {
  episode: Episode
  problems: readonly string[]
}

export interface Run {
  /** The first seed that was not played. */
  next: number
  findings: Finding[]
  /** What was under way when the first finding was made: any of it may be why. */
  suspects: number[]
}

export interface FuzzOptions {
  /** Leaves out episodes, for those who look for something of their own. */
  isWanted?: (episode: Episode) => boolean
  /** Asks what is for gateways with their token. Whoever has that is trusted, so nobody else can. */
  internal?: boolean
}

/** Signing out would end the session that all the other requests are made with. */
const isHarmless = ({ method, path }: Operation): boolean => !(method === 'DELETE' && path === '/v1/sessions/current')

export class Fuzz {
  readonly tally = new Tally()
  readonly grammar: Grammar
  readonly #stage: Stage
  readonly #player: Player
  readonly #isWanted: (episode: Episode) => boolean

  private constructor(stage: Stage, player: Player, grammar: Grammar, isWanted: FuzzOptions['isWanted']) {
    this.#isWanted = isWanted ?? (() => true)
    this.#stage = stage
    this.#player = player
    this.grammar = grammar
  }

  static async open(stage: Stage, { isWanted, internal }: FuzzOptions = {}): Promise<Fuzz> {
    const [api] = stage.cluster.apis
    if (api === undefined) throw new Error('there is no api')
    const operations = (await readOperations(api)).filter(isHarmless)
    const world = await FuzzWorld.open(stage.cluster)
    const player = new Player(stage.cluster, world, stage.lag, operations)
    return new Fuzz(stage, player, grammarOf(operations, internal), isWanted)
  }

  episode(seed: number): Episode {
    return episodeOf(seed, this.grammar)
  }

  play(episode: Episode): Promise<Played> {
    return this.#player.play(episode)
  }

  /** Plays seeds from one on for as long as `goesOn` says. */
  async run(from: number, goesOn: () => boolean): Promise<Run> {
    const run: Run = { next: from, findings: [], suspects: [] }
    const underWay = new Set<number>()
    const lane = async (): Promise<void> => {
      while (run.findings.length === 0 && goesOn()) {
        const seed = run.next
        run.next += 1
        const episode = this.episode(seed)
        if (!this.#isWanted(episode)) continue
        underWay.add(seed)
        const played = await this.play(episode)
        this.tally.count(episode, played)
        if (played.problems.length > 0) {
          if (run.findings.length === 0) run.suspects = [...underWay]
          run.findings.push({ episode, problems: played.problems })
        }
        underWay.delete(seed)
      }
    }
    this.tally.begin()
    await Promise.all(Array.from({ length: LANES }, lane))
    this.tally.end()
    return run
  }

  /** So many inputs, or a few more, from a seed on. */
  attack(from: number, inputs: number): Attack {
    const goal = this.tally.inputs + inputs
    return {
      name: `${inputs} inputs from seed ${from} on`,
      strike: async ({ claim }) => {
        const { findings } = await this.run(from, () => this.tally.inputs < goal)
        for (const { episode, problems } of findings) claim(false, `seed ${episode.seed}: ${problems.join('; ')}`)
      },
    }
  }

  /** Plays these one after the other and says what came of it, as far as that can be said at once. */
  async playAgain(episodes: readonly Episode[]): Promise<{ problems: string[]; ended: boolean }> {
    const problems: string[] = []
    let isCut = false
    for (const episode of episodes) {
      this.#player.letGo()
      const played = await this.play(episode)
      problems.push(...played.problems)
      isCut ||= played.outcomes.includes('cut')
    }
    if (isCut || problems.length > 0) await this.#stage.untilDecided()
    const ended = await this.#stage.revive()
    return { problems, ended: ended.length > 0 }
  }

  /** What the common verdict says when these are played. */
  async judge(episodes: readonly Episode[]): Promise<string[]> {
    const { problems } = await this.#stage.judge({
      name: 'episodes played again',
      strike: async ({ claim }) => {
        for (const episode of episodes) {
          const { problems } = await this.play(episode)
          claim(problems.length === 0, problems.join('; '))
        }
      },
    })
    return problems
  }

  stop(): void {
    this.#player.letGo()
  }
}
