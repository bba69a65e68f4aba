/** What a run was: printed with its outcome, so that anybody can repeat it. */
export interface RunFacts {
  command: string
  /** The commit, with a plus sign where files differ from it. */
  commit: string
  date: string
  seed: number
  tookMs: number
  /** Who took part, as one line. */
  participants: string
  /** The settings that decide how soon presence can be exact, as one line. */
  presence: string
  logs: string
}
