/** What an owner asks about the invites of a space. Loaded with the panel that does. */
import type { Http, HttpResult } from '@rhizom/client'
import {
  checkJson,
  type ListInvitesAnswer,
  listInvitesAnswerCheck,
  type PostInviteAnswer,
  type PostInviteBody,
  postInviteAnswerCheck,
  type SpaceId,
} from '@rhizom/protocol'

const pathTo = (space: SpaceId): string => `/v1/spaces/${encodeURIComponent(space)}/invites`

/** Its secret is told here and never again. */
export const postInvite = (http: Http, space: SpaceId, wanted: PostInviteBody): Promise<HttpResult<PostInviteAnswer>> =>
  http.ask('POST', pathTo(space), wanted, (text) => checkJson(postInviteAnswerCheck, text))

export const getInvites = (http: Http, space: SpaceId): Promise<HttpResult<ListInvitesAnswer>> =>
  http.ask('GET', pathTo(space), undefined, (text) => checkJson(listInvitesAnswerCheck, text))

export const deleteInvite = (http: Http, space: SpaceId, id: string): Promise<HttpResult<undefined>> =>
  http.ask('DELETE', `${pathTo(space)}/${id}`, undefined, () => ({ ok: true, value: undefined }))
