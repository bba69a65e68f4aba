/** What the api said to a request, or why it said nothing. */
export type Answered<T> =
  | { ok: true; value: T }
  | { ok: false; code: string; mayBeAskedAgain: boolean; afterMs: number }
