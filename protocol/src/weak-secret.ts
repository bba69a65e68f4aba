/**
 * Whether a secret that both processes are given can be guessed: because it is short, because it follows a pattern, or
 * because everybody can read it in this repository. Whoever has TOKEN_SECRET is anybody; whoever has INTERNAL_TOKEN
 * reads every private space. So a process refuses to start with a weak one, naming the variable and never its value.
 */

export const SHARED_SECRETS = {
  TOKEN_SECRET: { minLength: 32 },
  INTERNAL_TOKEN: { minLength: 16 },
  INTERNAL_TOKENS: { minLength: 16 },
  BUS_KEYS: { minLength: 32 },
} as const
export type SharedSecret = keyof typeof SHARED_SECRETS

/** As they are given. An empty one is none. */
export interface SharedSecrets {
  TOKEN_SECRET: string
  INTERNAL_TOKEN: string
  INTERNAL_TOKENS: readonly string[]
  BUS_KEYS: readonly string[]
}

export interface WeakSecret {
  name: SharedSecret
  /** For a person, after the name. */
  why: string
}

/** What stands where an example wants to be replaced. */
const PLACEHOLDER = /change.?(me|this|it)|replace.?(me|this|it)|place.?holder|example|your.?(own|secret|token|key)/i

/** Long enough, of no pattern, and printed in this repository at some time. */
const PUBLISHED: ReadonlySet<string> = new Set([
  'a-secret-for-tests-that-is-long-enough',
  'a secret that only tests know, 32 or more',
  'an-internal-token-for-tests',
  'another-secret-another-secret-another',
  'only-tests-show-this-one',
  'the-internal-token-of-the-tests',
  'the-secret-that-signs-sessions-in-tests',
])

/** A secret of fewer different characters than this can be found by trying. */
const MIN_DIFFERENT = 5
/** Longer stretches that repeat are not looked for. */
const MAX_PERIOD = 64
/** Of two neighbours in random text few are the same or next to each other in the alphabet. */
const MAX_STEPS_SHARE = 0.75

/** The weak ones, in the order of the table. */
export const weakSecrets = (secrets: Readonly<SharedSecrets>): WeakSecret[] =>
  SECRET_NAMES.flatMap((name) =>
    [secrets[name]].flat().flatMap((secret) => {
      const why = secret === '' ? undefined : secretFault(secret, SHARED_SECRETS[name].minLength)
      return why === undefined ? [] : [{ name, why }]
    }),
  )

const SECRET_NAMES = ['TOKEN_SECRET', 'INTERNAL_TOKEN', 'INTERNAL_TOKENS', 'BUS_KEYS'] as const satisfies SharedSecret[]

/** Why a secret is weak; undefined if it is not. */
export function secretFault(secret: string, minLength: number): string | undefined {
  if (secret.length < minLength) return `is shorter than ${minLength} characters`
  if (PUBLISHED.has(secret) || PLACEHOLDER.test(secret)) return 'is an example that everybody can read'
  if (new Set(secret).size < MIN_DIFFERENT || repeats(secret) || counts(secret)) return 'follows a pattern'
  return undefined
}

/** What a process says before it ends. One line. */
export const weakSecretProblem = ({ name, why }: WeakSecret): string =>
  `${name} ${why}: make one with \`openssl rand -hex 32\`, or set ALLOW_WEAK_SECRETS=1 where it guards nothing`

/** Whether it is one piece again and again, the last one perhaps cut short. */
function repeats(secret: string): boolean {
  for (let period = 1; period <= Math.min(MAX_PERIOD, secret.length / 2); period += 1)
    if (secret.startsWith(secret.slice(period))) return true
  return false
}

/** Whether it mostly runs along the alphabet or the digits. */
function counts(secret: string): boolean {
  let steps = 0
  for (let at = 1; at < secret.length; at += 1)
    if (Math.abs(secret.charCodeAt(at) - secret.charCodeAt(at - 1)) <= 1) steps += 1
  return steps / (secret.length - 1) > MAX_STEPS_SHARE
}
