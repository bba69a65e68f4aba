import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { AppFault } from './fault/app-fault.tsx'
import { Boundary } from './fault/boundary.tsx'
import { reportFault } from './fault/report-fault.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

/** What stands there until the first page does (index.html), and again if not even the words about a fault can. */
const withoutPage = Array.from(root.childNodes)

createRoot(root, {
  onCaughtError: reportFault,
  onUncaughtError(error, info) {
    reportFault(error, info)
    root.dataset['stopped'] = ''
    root.replaceChildren(...withoutPage)
  },
}).render(
  <StrictMode>
    <Boundary of="everything" fallback={<AppFault />}>
      <App />
    </Boundary>
  </StrictMode>,
)
