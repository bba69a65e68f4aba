/** Draws the app for one request, as a server does: node draw.js <url of the api> <space>. */
import { browserEnvironment, createClient, createSession } from '@rhizom/client'
import { createQueryStore, dehydrateStore, loadSpaces } from '@rhizom/client/react'
import { QueryClient } from '@tanstack/react-query'
import { renderToString } from 'react-dom/server'
import { OnServer } from './served-app.tsx'

export async function draw(apiUrl: string, space: string): Promise<string> {
  const given = await createSession({ environment: browserEnvironment(), apiUrl }, { name: 'Ada' })
  if (!given.ok) throw new Error(given.problem.message)
  const session = given.value
  const store = createQueryStore(new QueryClient())
  const client = createClient({ session, store, baseUrl: apiUrl, transports: ['polling'] })
  await loadSpaces(client, [space])
  const markup = renderToString(<OnServer space={space} client={client} />)
  const served = { space, session, dehydrated: dehydrateStore(client) }
  client.close()
  return JSON.stringify({ markup, served })
}
