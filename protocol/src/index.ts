/** @rhizom/protocol in this repository: the contract between api, gateway and client, whole. */
export * from './inner.ts'
export * from './public.ts'
