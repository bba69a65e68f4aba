/** Opens a space: a name, an address that follows from it, and who may read. */
import type { Visibility } from '@rhizom/protocol'
import { checkValue, LIMITS, spaceIdCheck } from '@rhizom/protocol'
import { useMutate } from '@rhizom/client/react'
import { type FormEvent, useState } from 'react'
import { goTo } from '../location.ts'
import { pathToSpace } from '../route.ts'
import { slugOf } from './slug.ts'

export function CreateSpace() {
  const mutate = useMutate()
  const [name, setName] = useState('')
  const [ownAddress, setOwnAddress] = useState<string>()
  const [visibility, setVisibility] = useState<Visibility>('public')
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  const address = ownAddress ?? slugOf(name)

  async function create(): Promise<void> {
    const id = checkValue(spaceIdCheck, address)
    if (!id.ok) {
      setProblem('The address needs an @, then lower-case letters, digits and hyphens.')
      return
    }
    setBusy(true)
    setProblem(undefined)
    const outcome = await mutate('space.create', id.value, { name: name.trim(), visibility })
    setBusy(false)
    if (outcome.status === 'applied') goTo(pathToSpace(id.value))
    else setProblem(outcome.code === 'taken' ? 'That address is taken: choose another one.' : outcome.message)
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    if (name.trim() !== '' && !busy) void create()
  }

  return (
    <form className="card create-space" onSubmit={submit} aria-labelledby="create-space">
      <h2 id="create-space">Open a new space</h2>
      <div className="field-row">
        <label className="field">
          <span>Name</span>
          <input
            data-testid="space-name-input"
            value={name}
            onChange={(event) => setName(event.target.value)}
            maxLength={LIMITS.maxNameLength}
            placeholder="Reading circle"
            required
          />
        </label>
        <label className="field">
          <span>Address</span>
          <input
            data-testid="space-id-input"
            value={address}
            onChange={(event) => setOwnAddress(event.target.value === '' ? undefined : event.target.value)}
            placeholder="@reading-circle"
            spellCheck={false}
            autoCapitalize="none"
          />
        </label>
        <label className="field">
          <span>Who reads</span>
          <select
            value={visibility}
            onChange={(event) => setVisibility(event.target.value === 'private' ? 'private' : 'public')}
          >
            <option value="public">Everybody</option>
            <option value="private">Members only</option>
          </select>
        </label>
      </div>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className="primary" data-testid="create-space" disabled={busy || name.trim() === ''}>
        {busy ? 'Opening…' : 'Open space'}
      </button>
    </form>
  )
}
