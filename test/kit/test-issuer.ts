/**
 * An OpenID provider for tests, the real thing: people sign in at it with any name, by a code with PKCE. It can be gone
 * for a while, and begin to sign with another key.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

export const CLIENT_ID = 'rhizom'

export interface SignedIn {
  code: string
  verifier: string
  nonce: string
  redirectUri: string
}

export interface TestIssuer {
  /** As it stands in `iss`. */
  url: string
  /** How often its keys were asked for. */
  asked: () => number
  /** Signs in somebody of that name; what a page has then. */
  code: (name: string) => Promise<SignedIn>
  /** The id token for that code: an assertion. */
  assertion: (name: string) => Promise<string>
  /** Signs with a new key from now on; the former one is not published any more. */
  rotate: () => Promise<void>
  setDown: (isDown: boolean) => void
  stop: () => Promise<void>
}

/** `redirectUri`: where pages come back to. */
export async function startTestIssuer(redirectUri = 'http://127.0.0.1/sign-in'): Promise<TestIssuer> {
  let handler: RequestListener | undefined
  let asked = 0
  let isDown = false
  const server = createServer((request, response) => {
    if (request.url === '/jwks') asked += 1
    if (isDown || handler === undefined) response.destroy()
    else handler(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`

  const rotate = async (): Promise<void> => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const key = { ...(await exportJWK(privateKey)), kid: randomBytes(8).toString('hex'), alg: 'ES256', use: 'sig' }
    const provider = new Provider(url, {
      jwks: { keys: [key] },
      cookies: { keys: [randomBytes(16).toString('hex')] },
      clients: [
        {
          client_id: CLIENT_ID,
          token_endpoint_auth_method: 'none',
          redirect_uris: [redirectUri],
          application_type: 'native',
          id_token_signed_response_alg: 'ES256',
        },
      ],
      claims: { openid: ['sub'], profile: ['name'] },
      conformIdTokenClaims: false,
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: id }) }),
    })
    const answer = provider.callback()
    handler = (request, response) => void answer(request, response)
  }
  await rotate()

  const code = async (name: string): Promise<SignedIn> => {
    const [verifier, nonce] = [randomBytes(32).toString('base64url'), randomBytes(16).toString('hex')]
    const asking = new URLSearchParams({
      ...{ client_id: CLIENT_ID, response_type: 'code', scope: 'openid profile', redirect_uri: redirectUri, nonce },
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const back = await clickThrough(`${url}/auth?${asking}`, redirectUri, name)
    return { code: back.searchParams.get('code') ?? '', verifier, nonce, redirectUri }
  }

  return {
    url,
    asked: () => asked,
    code,
    async assertion(name) {
      const { code: given, verifier } = await code(name)
      const body = new URLSearchParams({
        ...{ client_id: CLIENT_ID, grant_type: 'authorization_code', redirect_uri: redirectUri },
        ...{ code: given, code_verifier: verifier },
      })
      const answer: unknown = await (await fetch(`${url}/token`, { method: 'POST', body })).json()
      if (typeof answer !== 'object' || answer === null || !('id_token' in answer)) throw new Error('no id token')
      return String(answer.id_token)
    },
    rotate,
    setDown: (down) => void (isDown = down),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Goes through the provider's own forms, as somebody who agrees to everything, until it leads back. */
async function clickThrough(from: string, until: string, login: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let [at, form]: [string, URLSearchParams | undefined] = [from, undefined]
  for (let step = 0; step < 20; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(at, {
      ...{ redirect: 'manual' as const, headers: { cookie } },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    const page = await response.text()
    if (location !== null) {
      at = new URL(location, at).href
      form = undefined
      if (at.startsWith(until)) return new URL(at)
    } else {
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
      if (prompt === undefined) throw new Error(`the provider answered ${response.status}: ${page.slice(0, 300)}`)
      form = new URLSearchParams({ prompt, login, password: 'any' })
    }
  }
  throw new Error('the provider leads nowhere')
}
