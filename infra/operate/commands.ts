/**
 * What an operator can ask for, as data: the words of each command, the call of `/operator/v1` that it is, and how its
 * answer is shown. Pure.
 */
export interface OperatorCommand {
  word: string
  /** What follows it, each of them needed. */
  takes: readonly string[]
  summary: string
  method: 'GET' | 'POST'
  /** Below `/operator/v1`, of what was given. */
  path(...given: readonly string[]): string
  /** Of what is given, what goes into the body. */
  body?(...given: readonly string[]): Readonly<Record<string, string>>
  /** `looks` changes nothing; whatever acts needs a reason; what cannot be undone is asked about first. */
  kind: 'looks' | 'acts' | 'final'
  /** The list of the answer that is shown as a table, and its columns. */
  shows?: { list: string; columns: readonly string[] }
  /** Whether `--id`, `--name` and `--sort` choose, and whether there are pages. */
  finds?: boolean
  pages?: boolean
  /** Its answer is lines of JSON, passed on as they are. */
  isLines?: boolean
}

const at = (...parts: readonly string[]): string => `/${parts.map((part) => encodeURIComponent(part)).join('/')}`

const inSpace = (word: string, summary: string): OperatorCommand => ({
  ...{ word, summary, takes: ['SPACE', 'BEING'], method: 'POST', kind: 'acts' },
  path: (space = '') => at('spaces', space, word),
  body: (_space = '', being = '') => ({ being }),
})

const ofBeing = (word: string, ending: string, summary: string, kind: OperatorCommand['kind']): OperatorCommand => ({
  ...{ word, summary, takes: ['BEING'], method: 'POST', kind },
  path: (being = '') => at('beings', being, ending),
})

export const COMMANDS: readonly OperatorCommand[] = [
  {
    ...{ word: 'beings', takes: [], summary: 'people, bots and documents', method: 'GET', kind: 'looks' },
    ...{ finds: true, pages: true, path: () => '/beings' },
    shows: {
      list: 'beings',
      columns: ['id', 'type', 'name', 'location', 'intentions', 'bytes', 'activeAt', 'removedAt'],
    },
  },
  {
    ...{ word: 'spaces', takes: [], summary: 'spaces, likewise', method: 'GET', kind: 'looks' },
    ...{ finds: true, pages: true, path: () => '/spaces' },
    shows: {
      list: 'spaces',
      columns: ['id', 'name', 'visibility', 'owners', 'members', 'intentions', 'bytes', 'activeAt'],
    },
  },
  {
    ...{ word: 'sessions', takes: ['BEING'], summary: 'where somebody is signed in', method: 'GET', kind: 'looks' },
    path: (being = '') => at('beings', being, 'sessions'),
    shows: { list: 'sessions', columns: ['id', 'createdAt', 'lastUsedAt'] },
  },
  {
    ...{ word: 'nodes', takes: [], summary: 'the gateways that Redis knows', method: 'GET', kind: 'looks' },
    path: () => '/nodes',
    shows: { list: 'gateways', columns: ['id', 'isAlive', 'leaseMs', 'spaces'] },
  },
  {
    ...{ word: 'audit', takes: [], summary: 'what operators did and why', method: 'GET', kind: 'looks' },
    ...{ pages: true, path: () => '/audit' },
    shows: { list: 'actions', columns: ['at', 'operator', 'action', 'target', 'reason', 'outcome'] },
  },
  {
    ...{ word: 'invites', takes: ['SPACE'], summary: 'to a space, that have not ended', method: 'GET', kind: 'looks' },
    path: (space = '') => at('spaces', space, 'invites'),
    shows: { list: 'invites', columns: ['id', 'role', 'by', 'uses', 'usesLeft', 'createdAt', 'expiresAt'] },
  },
  inSpace('ban', 'out of the space, and reading nothing of it any more'),
  inSpace('unban', 'take a ban, or another role, away'),
  inSpace('expel', 'out of the space, to be located nowhere'),
  inSpace('owner', 'make somebody an owner of the space'),
  {
    ...{ word: 'redact', takes: ['INTENTION'], method: 'POST', kind: 'final' },
    summary: 'take words away, from the log and from screens as well',
    path: (intention = '') => at('intentions', intention, 'redact'),
  },
  {
    ...{ word: 'revoke-invite', takes: ['INVITE'], summary: 'whoever made it', method: 'POST', kind: 'acts' },
    path: (invite = '') => at('invites', invite, 'revoke'),
  },
  {
    ...{ word: 'remove-space', takes: ['SPACE'], summary: 'with all that is in it', method: 'POST', kind: 'final' },
    path: (space = '') => at('spaces', space, 'remove'),
  },
  ofBeing('remove-being', 'remove', 'end it everywhere; what it said stays', 'final'),
  ofBeing('erase', 'erase', 'every word of a person goes, and the being', 'final'),
  { ...ofBeing('export', 'export', 'all that somebody is and wrote, as lines of JSON', 'acts'), isLines: true },
  ofBeing('issue-session', 'sessions', 'a session, for somebody who lost theirs', 'acts'),
  {
    ...{ word: 'end-session', takes: ['BEING', 'SESSION'], summary: 'sign somebody out', method: 'POST', kind: 'acts' },
    path: (being = '', session = '') => at('beings', being, 'sessions', session, 'end'),
  },
  {
    ...{ word: 'prune', takes: [], summary: 'take what is old from log and ledger now', method: 'POST', kind: 'acts' },
    path: () => '/prune',
  },
]
