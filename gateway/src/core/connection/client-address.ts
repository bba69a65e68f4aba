/** The client's address behind `proxies` proxies of ours: each appends the address it saw to X-Forwarded-For. */
export function clientAddress(peer: string, forwardedFor: string, proxies: number): string {
  if (proxies === 0) return peer
  const hops = forwardedFor.split(',').map((hop) => hop.trim())
  const client = hops.at(-proxies)
  return client === undefined || client === '' ? peer : client
}
