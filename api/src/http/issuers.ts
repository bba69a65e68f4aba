/**
 * Those who vouch for people elsewhere: OpenID providers, by the setting ISSUERS. An assertion is a JWT of theirs; a
 * code is what a page has after somebody signed in there, which the api asks the issuer about, so that a page needs no
 * address but its own and no secret.
 *
 * An issuer that is down lets nobody new in whose keys are not known, and whoever has a session goes on. Its keys are
 * kept and asked for again when they are old or one is not known, at most once in a while, however many are made up.
 */
import { type BeingId, beingIdSchema, nameSchema, type SignInAnswer, type SignInCode } from '@rhizom/protocol'
import type { ConditionLog } from '@rhizom/process'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import * as oidc from 'oauth4webapi'
import type { IssuerSetting } from '../issuer-setting.ts'
import type { IssuedIdentity } from '../db/read/identities.ts'
import { ProblemError } from './problem-reply.ts'

/** Of keys that only the issuer holds: nothing that we could sign ourselves, and never none. */
const ALGORITHMS = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const TIMEOUT_MS = 5_000
/** Between two questions to an issuer that did not answer. */
const AGAIN_MS = 2_000
const METADATA_KEPT_MS = 3_600_000
const CLOCK_TOLERANCE_SECONDS = 60
const NAMELESS = 'Somebody'

export interface Person extends IssuedIdentity {
  name: string
  /** By the claim that the setting names, if there is one and it is an id. */
  wantedId: BeingId | undefined
}

export interface IssuerTimes {
  keysKeptMs: number
  /** Between two questions for keys because one is not known. */
  cooldownMs: number
}
const TIMES: IssuerTimes = { keysKeptMs: 600_000, cooldownMs: 10_000 }

export interface Issuers {
  readonly isEmpty: boolean
  describe: () => Promise<SignInAnswer['issuers']>
  verify: (assertion: string) => Promise<Person>
  exchange: (code: SignInCode) => Promise<Person>
}

export function createIssuers(
  settings: readonly IssuerSetting[],
  condition: ConditionLog,
  times: IssuerTimes = TIMES,
): Issuers {
  const issuers = new Map(settings.map((setting) => [setting.issuer, new Issuer(setting, condition, times)]))
  const issuerOf = (name: string | undefined): Issuer => {
    const issuer = name === undefined ? undefined : issuers.get(name)
    if (issuer === undefined) throw refused('of no issuer that is known here')
    return issuer
  }
  return {
    isEmpty: issuers.size === 0,
    describe: () => Promise.all([...issuers.values()].map((issuer) => issuer.describe())),
    verify: async (assertion) => issuerOf(claimedIssuer(assertion)).verify(assertion),
    exchange: async (code) => issuerOf(code.issuer).exchange(code),
  }
}

class Issuer {
  readonly #setting: IssuerSetting
  readonly #condition: ConditionLog
  readonly #times: IssuerTimes
  #metadata: { server: Promise<oidc.AuthorizationServer>; untilMs: number } | undefined
  #keys: JWTVerifyGetKey | undefined

  constructor(setting: IssuerSetting, condition: ConditionLog, times: IssuerTimes) {
    this.#setting = setting
    this.#condition = condition
    this.#times = times
  }

  async describe(): Promise<SignInAnswer['issuers'][number]> {
    const { issuer, label, audience: clientId, scope } = this.#setting
    const server = await this.#server().catch(() => undefined)
    const authorize = server?.authorization_endpoint
    return { issuer, label, clientId, scope, ...(authorize === undefined ? {} : { authorize }) }
  }

  async verify(assertion: string): Promise<Person> {
    const { issuer, audience } = this.#setting
    try {
      const { payload } = await jwtVerify(assertion, await this.#keysOf(), {
        ...{ issuer, audience, algorithms: ALGORITHMS },
        ...{ requiredClaims: ['sub', 'exp'], clockTolerance: CLOCK_TOLERANCE_SECONDS },
      })
      if (payload['azp'] !== undefined && payload['azp'] !== audience) throw refused('meant for another application')
      return this.#personOf(payload)
    } catch (error) {
      throw error instanceof ProblemError ? error : this.#problemOf(error)
    }
  }

  async exchange({ code, verifier, nonce, redirectUri }: SignInCode): Promise<Person> {
    const { audience, clientSecret } = this.#setting
    let token: string | undefined
    try {
      const server = await this.#server()
      const client = { client_id: audience }
      // The page compared the state; who answered it is the issuer that it names.
      const params = oidc.validateAuthResponse(
        server,
        client,
        new URLSearchParams({ code, iss: server.issuer }),
        oidc.skipStateCheck,
      )
      const response = await oidc.authorizationCodeGrantRequest(
        ...([server, client] as const),
        clientSecret === undefined ? oidc.None() : oidc.ClientSecretPost(clientSecret),
        ...([params, redirectUri, verifier, this.#asking()] as const),
      )
      const answer = await oidc.processAuthorizationCodeResponse(server, client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
      })
      token = answer.id_token
    } catch (error) {
      throw error instanceof ProblemError ? error : this.#problemOf(error)
    }
    if (token === undefined) throw refused('of an issuer that gave no id token')
    return this.verify(token)
  }

  /** What the issuer says of itself. Asked for once by all who need it. */
  #server(): Promise<oidc.AuthorizationServer> {
    const held = this.#metadata
    if (held !== undefined && performance.now() < held.untilMs) return held.server
    const url = new URL(this.#setting.issuer)
    const server = oidc
      .discoveryRequest(url, this.#asking())
      .then((response) => oidc.processDiscoveryResponse(url, response))
    const asked = { server, untilMs: performance.now() + METADATA_KEPT_MS }
    this.#metadata = asked
    server.then(
      () => this.#condition.good(this.#setting.issuer),
      (error: unknown) => {
        asked.untilMs = performance.now() + AGAIN_MS
        this.#away(error)
      },
    )
    return server
  }

  async #keysOf(): Promise<JWTVerifyGetKey> {
    if (this.#keys !== undefined) return this.#keys
    const address = this.#setting.jwks ?? (await this.#server()).jwks_uri
    if (address === undefined) throw new Error('it says nowhere where its keys are')
    const remote = createRemoteJWKSet(new URL(address), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: this.#times.cooldownMs,
      cacheMaxAge: this.#times.keysKeptMs,
    })
    const keys: JWTVerifyGetKey = async (header, token) => {
      try {
        return await remote(header, token)
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey && remote.coolingDown)
          throw new ProblemError('unavailable', 'the key of this assertion is not known yet', {
            retryAfterMs: this.#times.cooldownMs,
          })
        const held = remote.jwks()
        if (isRefusal(error) || held === undefined) throw error
        this.#away(error)
        return createLocalJWKSet(held)(header, token)
      }
    }
    this.#keys = keys
    return keys
  }

  #asking() {
    return {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // An issuer that is named by http is one of the same machine or network, by the operator's own words.
      [oidc.allowInsecureRequests]: this.#setting.issuer.startsWith('http:'),
    }
  }

  #personOf(payload: JWTPayload): Person {
    const { issuer, name, id } = this.#setting
    const names = [payload[name], payload['preferred_username'], NAMELESS].map((one) => nameSchema.safeParse(one))
    const wanted = id === undefined ? undefined : beingIdSchema.safeParse(`@${String(payload[id]).toLowerCase()}`)
    return {
      issuer,
      subject: payload.sub ?? '',
      name: names.find(({ success }) => success)?.data ?? NAMELESS,
      wantedId: wanted?.data,
    }
  }

  #problemOf(error: unknown): ProblemError {
    if (isRefusal(error)) return refused('not good, or not any more')
    this.#away(error)
    return new ProblemError('unavailable', 'the issuer does not answer', { retryAfterMs: AGAIN_MS })
  }

  #away(error: unknown): void {
    const { issuer } = this.#setting
    const why = error instanceof Error ? error.message : String(error)
    this.#condition.bad(
      { reason: `the issuer ${issuer} does not answer as it should: ${why}`, problem: 'issuer' },
      issuer,
    )
  }
}

/** What says something of the assertion or the code, and nothing of the issuer. */
const isRefusal = (error: unknown): boolean =>
  error instanceof oidc.ResponseBodyError ||
  (error instanceof oidc.OperationProcessingError && error.code !== oidc.RESPONSE_IS_NOT_CONFORM) ||
  [
    ...[errors.JWTExpired, errors.JWTClaimValidationFailed, errors.JWTInvalid, errors.JWSInvalid],
    ...[errors.JWSSignatureVerificationFailed, errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys],
    ...[errors.JOSEAlgNotAllowed, errors.JOSENotSupported],
  ].some((Refusal) => error instanceof Refusal)

const refused = (why: string): ProblemError =>
  new ProblemError('not-authenticated', `the assertion is ${why}`, { path: 'assertion' })

function claimedIssuer(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss
  } catch {
    return undefined
  }
}
