import { guestSession, textOf } from '@rhizom/client'
import { RhizomProvider, useSay, useSpaceIntentions } from '@rhizom/client/react'
import { createRoot } from 'react-dom/client'

function Lobby() {
  const { intentions } = useSpaceIntentions('@lobby') // who said what, in order, always in step
  const say = useSay('@lobby') // resolves with what became of it: applied, or why not
  const said = intentions.map(({ content }) => textOf(content))
  return <button onClick={() => void say('Hello. ')}>Say hello. {said}</button>
}
createRoot(document.body).render(<RhizomProvider session={() => guestSession('Ada')} children={<Lobby />} />)
