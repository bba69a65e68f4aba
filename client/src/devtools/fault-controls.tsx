/** The hands on the wire. */
import { useSyncExternalStore } from 'react'
import { type Faults, NO_FAULTS, type Wire } from './wire.ts'

const MAX_DELAY_MS = 5_000

export function FaultControls({ wire }: { wire: Wire }) {
  const faults = useSyncExternalStore(wire.onFaults, wire.faults, wire.faults)
  return (
    <section aria-label="Faults">
      <h3>Faults</h3>
      <div className="controls">
        <div className="row">
          <button
            type="button"
            aria-pressed={faults.isCut}
            data-testid="devtools-offline"
            onClick={() => wire.setFaults({ isCut: !faults.isCut })}
          >
            {faults.isCut ? 'Mend the network' : 'Cut the network'}
          </button>
          <button type="button" data-testid="devtools-cut" onClick={wire.cut}>
            Cut once
          </button>
          <button type="button" data-testid="devtools-none" onClick={() => wire.setFaults(NO_FAULTS)}>
            No faults
          </button>
        </div>
        <Slider
          name="delay"
          value={faults.delayMs}
          max={MAX_DELAY_MS}
          step={50}
          shown={`${faults.delayMs} ms`}
          set={(delayMs) => wire.setFaults({ delayMs })}
        />
        <Share name="drop" of="dropShare" faults={faults} wire={wire} />
        <Share name="double" of="doubleShare" faults={faults} wire={wire} />
      </div>
    </section>
  )
}

interface ShareProps {
  name: string
  of: 'dropShare' | 'doubleShare'
  faults: Faults
  wire: Wire
}

const Share = ({ name, of, faults, wire }: ShareProps) => (
  <Slider
    name={name}
    value={faults[of]}
    max={1}
    step={0.05}
    shown={`${Math.round(faults[of] * 100)} %`}
    set={(share) => wire.setFaults({ [of]: share })}
  />
)

interface SliderProps {
  name: string
  value: number
  max: number
  step: number
  shown: string
  set: (value: number) => void
}

const Slider = ({ name, value, max, step, shown, set }: SliderProps) => (
  <label>
    {name}
    <input
      type="range"
      data-testid={`devtools-${name}`}
      min={0}
      max={max}
      step={step}
      value={value}
      onChange={(event) => set(Number(event.target.value))}
    />
    {shown}
  </label>
)
