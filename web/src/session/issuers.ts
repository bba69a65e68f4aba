/**
 * Signing in elsewhere: OpenID Connect, a code with PKCE (RFC 7636). The page goes to the issuer and comes back with a
 * code, which the api asks the issuer about: the page needs no address but its own for it, and no secret.
 */
import { checkJson, type SignInAnswer, type SignInCode, signInAnswerCheck } from '@rhizom/protocol'

export type Issuer = SignInAnswer['issuers'][number]

/** `from` is where somebody was before: they go on there. */
export type CameBack = { ok: true; code: SignInCode; from: string } | { ok: false; problem: string; from: string }

/** Where issuers send people back to; it has to be known to them. */
const RETURN_PATH = '/sign-in'
const KEY = 'rhizom:sign-in'

interface Leaving {
  state: string
  issuer: string
  verifier: string
  nonce: string
  from: string
}

/** A name is enough until the server says otherwise. */
export const GUESTS_ONLY: SignInAnswer = { guests: true, issuers: [] }

export async function waysToSignIn(): Promise<SignInAnswer> {
  try {
    const response = await fetch('/v1/sign-in')
    const ways = checkJson(signInAnswerCheck, await response.text())
    return response.ok && ways.ok ? ways.value : GUESTS_ONLY
  } catch {
    // Whoever signs in learns what is wrong: the same server is asked.
    return GUESTS_ONLY
  }
}

/** Only pages that came safely can make a proof. */
export const canLeave = (): boolean => window.isSecureContext

export async function leaveFor({ issuer, clientId, authorize, scope }: Issuer): Promise<void> {
  if (authorize === undefined) return
  const from = window.location.pathname
  const leaving: Leaving = { state: random(), issuer, verifier: random(), nonce: random(), from }
  const proof = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(leaving.verifier))
  sessionStorage.setItem(KEY, JSON.stringify(leaving))
  const url = new URL(authorize)
  const asked = {
    ...{ response_type: 'code', client_id: clientId, scope, redirect_uri: redirectUri() },
    ...{ state: leaving.state, nonce: leaving.nonce },
    ...{ code_challenge: base64Url(new Uint8Array(proof)), code_challenge_method: 'S256' },
  }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  window.location.assign(url)
}

/** Once, for an address that an issuer led back to; the address says nothing of it afterwards. */
export function cameBack(): CameBack | undefined {
  if (window.location.pathname !== RETURN_PATH) return undefined
  const answer = new URLSearchParams(window.location.search)
  const leaving = leavingOf(sessionStorage.getItem(KEY))
  sessionStorage.removeItem(KEY)
  const from = leaving === undefined || leaving.from === RETURN_PATH ? '/' : leaving.from
  window.history.replaceState(null, '', from)
  const code = answer.get('code')
  const [state, issuer] = [answer.get('state'), answer.get('iss')]
  // Somebody else's code would make this page theirs; and an issuer answers for itself alone (RFC 9207).
  if (leaving === undefined || state !== leaving.state || (issuer !== null && issuer !== leaving.issuer))
    return { ok: false, problem: 'This is no answer to a question of this page.', from }
  if (code === null) return { ok: false, problem: 'Signing in was not completed there.', from }
  const { verifier, nonce } = leaving
  return { ok: true, code: { issuer: leaving.issuer, code, verifier, nonce, redirectUri: redirectUri() }, from }
}

const redirectUri = (): string => window.location.origin + RETURN_PATH

const random = (): string => base64Url(crypto.getRandomValues(new Uint8Array(32)))

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/** It was written by this page, maybe an older one: what is not there makes the answer of the issuer unusable. */
function leavingOf(text: string | null): Leaving | undefined {
  if (text === null) return undefined
  try {
    const json: unknown = JSON.parse(text)
    return isLeaving(json) ? json : undefined
  } catch {
    return undefined
  }
}

const NAMES = ['state', 'issuer', 'verifier', 'nonce', 'from'] as const

const isLeaving = (json: unknown): json is Leaving =>
  typeof json === 'object' &&
  json !== null &&
  NAMES.every((name) => typeof Object.getOwnPropertyDescriptor(json, name)?.value === 'string')
