/** Accepting an invite, in the name of a session. A function of its own: an app without invites loads nothing of it. */
import { type AcceptInviteAnswer, acceptInviteAnswerCheck, checkJson } from '@rhizom/protocol'
import type { Http, HttpResult } from './http.ts'

/**
 * Accepts what the link of an invite carries: `acceptInvite(client.http, secret)` gives the space it leads to. Of one
 * that is none any more, whatever became of it, the problem is `not-found`.
 */
export const acceptInvite = (http: Http, secret: string): Promise<HttpResult<AcceptInviteAnswer>> =>
  http.ask('POST', '/v1/invites/accept', { secret }, (text) => checkJson(acceptInviteAnswerCheck, text))
