/**
 * A panel over the page: how the client is connected, up to where it knows each space, what waits, and what passes; and
 * hands to cut, delay, drop and double it, so that one sees what an app does then.
 */
import { useEffect, useLayoutEffect, useMemo, useSyncExternalStore } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { type HookClient, useRhizom } from '../react/rhizom-context.ts'
import { usePendingMutations, useRefusedMutations } from '../react/use-mutate.ts'
import { useSyncStatus } from '../react/use-sync-status.ts'
import { FaultControls } from './fault-controls.tsx'
import { addStyle } from './panel-style.ts'
import type { Happening, Timeline } from './timeline.ts'
import type { Wire } from './wire.ts'

export interface DevtoolsProps {
  /** The wire in front of the environment that the client was made with. */
  wire: Wire
  /** Whether the panel begins unfolded. */
  open?: boolean
}

/** The panel. Put it below the `RhizomProvider` of the client. */
export function RhizomDevtools({ wire, open = false }: DevtoolsProps) {
  const { status, transport, since, why } = useConnection()
  useLayoutEffect(addStyle, [])
  const text = `${status}${since === undefined ? '' : ` since ${timeOf(since)}`}`
  useEffect(
    () => wire.timeline.note({ kind: 'status', text: why === undefined ? text : `${text}: ${why}` }),
    [wire, text, why],
  )
  return (
    <details className="rhizom-devtools" data-status={status} data-testid="devtools" open={open}>
      <summary>
        <span className="dot" aria-hidden="true" />
        <span data-testid="devtools-status">{status}</span>
        <span className="dim" data-testid="devtools-transport">
          {transport}
        </span>
        <span className="grow" />
        <FrameCounts timeline={wire.timeline} />
      </summary>
      <div className="body">
        <FaultControls wire={wire} />
        <Connection />
        <Positions />
        <Pending />
        <TimelineList timeline={wire.timeline} />
      </div>
    </details>
  )
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const timeOf = (ms: number): string => clock.format(ms)

interface ConnectionView {
  status: string
  transport: string
  since: number | undefined
  why: string | undefined
}

function useConnection(): ConnectionView {
  const status = useSyncStatus()
  const transport = status.status === 'live' ? status.transport : status.status === 'polling' ? 'polling' : ''
  return { status: status.status, transport, since: status.sinceMs, why: status.reason }
}

function Connection() {
  const client = useRhizom()
  const status = useSyncStatus()
  const rows: [string, string | undefined][] = [
    ['being', client.session().being.id],
    ['since', status.sinceMs === undefined ? undefined : timeOf(status.sinceMs)],
    ['connection', status.status === 'live' ? status.connectionId : undefined],
    ['failed', status.attempt === 0 ? undefined : `${status.attempt} times`],
    ['next try', status.nextAttemptAtMs === undefined ? undefined : timeOf(status.nextAttemptAtMs)],
    ['why', status.reason],
  ]
  return (
    <section aria-label="Connection">
      <h3>Connection</h3>
      <table>
        <tbody>
          {rows.map(([name, value]) =>
            value === undefined ? null : (
              <tr key={name}>
                <th>{name}</th>
                <td>{value}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </section>
  )
}

/** Every space that the store holds; the same list while none of them is another. */
function spacesIn({ store }: HookClient) {
  const { queryClient } = store
  let last: readonly SpaceState[] = []
  return {
    subscribe: (listener: () => void) => queryClient.getQueryCache().subscribe(listener),
    read() {
      const found = queryClient.getQueriesData<SpaceState>({ queryKey: ['space'] })
      const next = found.flatMap(([, state]) => state ?? [])
      if (next.length !== last.length || next.some((state, index) => state !== last[index])) last = next
      return last
    },
  }
}

function Positions() {
  const client = useRhizom()
  const { subscribe, read } = useMemo(() => spacesIn(client), [client])
  const states = useSyncExternalStore(subscribe, read, read)
  return (
    <section aria-label="Positions">
      <h3>Positions</h3>
      <table data-testid="devtools-positions">
        <tbody>
          {states.map(({ id, content, subscription, presence }) => (
            <tr key={id}>
              <th>{id}</th>
              <td>{subscription.status}</td>
              <td>{content === undefined ? '' : `version ${content.position.version}`}</td>
              <td className="dim" title={content?.position.epoch}>
                {content?.position.epoch.slice(-6)}
              </td>
              <td className="dim">{presence === undefined ? '' : `${presence.hereCount} here`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Pending() {
  const pending = usePendingMutations()
  const refused = useRefusedMutations()
  return (
    <section aria-label="Pending mutations">
      <h3>
        Pending {pending.length}, refused {refused.length}
      </h3>
      <table data-testid="devtools-pending">
        <tbody>
          {pending.map(({ mutation, status, attempt, problem }) => (
            <tr key={mutation.id}>
              <th>{mutation.name}</th>
              <td>{mutation.space}</td>
              <td>{status}</td>
              <td className="dim">{attempt === 0 ? '' : `failed ${attempt} times: ${problem ?? ''}`}</td>
            </tr>
          ))}
          {refused.map(({ mutation, code, message }) => (
            <tr key={mutation.id}>
              <th>{mutation.name}</th>
              <td>{mutation.space}</td>
              <td>refused</td>
              <td className="dim">{`${code}: ${message}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const useHappenings = (timeline: Timeline): readonly Happening[] =>
  useSyncExternalStore(timeline.onHappening, timeline.happenings, timeline.happenings)

function FrameCounts({ timeline }: { timeline: Timeline }) {
  useHappenings(timeline)
  const counts = timeline.frameCounts()
  return (
    <span className="dim" data-testid="devtools-frames">
      ↓ {counts.in} ↑ {counts.out}
    </span>
  )
}

const NAMES: Readonly<Record<Happening['kind'], string>> = {
  in: '↓ frame',
  out: '↑ frame',
  socket: 'socket',
  request: 'http',
  status: 'status',
  fault: 'fault',
}

/** Newest first, so that what is new needs no scrolling. */
function TimelineList({ timeline }: { timeline: Timeline }) {
  const happenings = useHappenings(timeline)
  return (
    <section aria-label="Timeline">
      <h3>
        Timeline{' '}
        <button type="button" onClick={timeline.clear}>
          Clear
        </button>
      </h3>
      <ol data-testid="devtools-timeline">
        {happenings.toReversed().map(({ serial, atMs, kind, text }) => (
          <li key={serial} data-kind={kind}>
            <span className="dim">{timeOf(atMs)}</span>
            <span className="kind">{NAMES[kind]}</span>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
