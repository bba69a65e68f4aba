/**
 * Takes secrets out of what is about to be written: the password of every url, and each secret that the process was
 * given, wherever an error or a library quotes it.
 */
const PASSWORD_OF_URL = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@"\\]*):[^\s/@"\\]*@/gi
const HIDDEN = '[hidden]'
/** Shorter ones stand in half of all words; they are for tests (ALLOW_WEAK_SECRETS). */
const MIN_LENGTH = 6

export type Redact = (text: string) => string

export function redactor(secrets: readonly string[]): Redact {
  const spelled = new Set(secrets.filter(({ length }) => length >= MIN_LENGTH).flatMap(spellings))
  // The longest first: one may be the beginning of another.
  const hidden = [...spelled].sort((a, b) => b.length - a.length)
  return (text) =>
    hidden.reduce((left, secret) => left.replaceAll(secret, HIDDEN), text.replace(PASSWORD_OF_URL, `$1:${HIDDEN}@`))
}

/** As it is, as it stands in a line of JSON, and as it stands in a url. */
const spellings = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
]

/** Where the parts of a list hold theirs: operators, private keys, issuers. */
const SECRET_FIELDS = ['token', 'd', 'clientSecret'] as const

const secretsOf = (one: unknown): string[] => {
  if (typeof one === 'string') return [one]
  if (typeof one !== 'object' || one === null) return []
  return Object.entries(one).flatMap(([name, value]) =>
    SECRET_FIELDS.some((field) => field === name) && typeof value === 'string' ? [value] : [],
  )
}

/** The secrets among settings: by name those of everybody and of lists, and the passwords of urls. */
export function secretsIn(config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(config).flatMap(([name, value]) => {
    if (Array.isArray(value) && /(_TOKENS|_KEYS|^ISSUERS)$/.test(name)) return value.flatMap(secretsOf)
    if (typeof value !== 'string') return []
    if (name.endsWith('_SECRET') || name.endsWith('_TOKEN')) return [value]
    const password = URL.canParse(value) ? new URL(value).password : ''
    return password === '' ? [] : [password, decoded(password)]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
