/** Where the page came from, which is where its server is unless an app says otherwise. */
export function pageOrigin(): string {
  if (typeof location === 'undefined') throw new Error('there is no page: say with baseUrl where the server is')
  return location.origin
}
