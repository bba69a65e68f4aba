import { createClient, textOf } from '@rhizom/client'
import { anUtterance, aSession, manualEnvironment, ScriptedServer, SpaceLog } from '@rhizom/client/testing'

const server = new ScriptedServer()
const lobby = new SpaceLog('@lobby')
server.serve(lobby)
const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
const client = createClient({ session: aSession(environment), environment, baseUrl: 'http://rhizom.test' })
client.watchSpace('@lobby')
client.connect()
await environment.settle() // connected, and the space is there

server.connection.close(1006) // the gateway dies, and something is said meanwhile
lobby.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'Anybody here?') })
await environment.advance(20_000) // the client has come back and holds it

const said = client
  .readSpace('@lobby')
  .content?.intentions.map(({ content }) => textOf(content))
  .join()
if (said !== 'Anybody here?') throw new Error(`the client holds ${said}`)
