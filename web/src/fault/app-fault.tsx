/**
 * In place of everything, when what broke is no page but what holds the pages. Leads out by loading anew. If it broke
 * again right after that, what this device keeps may be the cause, and can be forgotten.
 */
import { HOME_PATH } from '../route.ts'
import { FaultNotice } from './fault-notice.tsx'
import { forgetEverything, hasJustReloaded, noteReload } from './kept-state.ts'

export function AppFault() {
  return (
    <main className="sign-in">
      <div className="card fault-card">
        <FaultNotice
          title="rhizom could not be shown"
          actions={
            <>
              <button type="button" className="primary" onClick={reload}>
                Reload
              </button>
              <a className="button" href={HOME_PATH} onClick={noteReload}>
                Back to your spaces
              </a>
            </>
          }
        >
          Something broke while the page was being drawn. Loading it again mostly helps.
        </FaultNotice>
        {hasJustReloaded() && <LastResort />}
      </div>
    </main>
  )
}

function LastResort() {
  return (
    <section className="last-resort small-text" aria-label="If it goes on">
      <p>
        It broke again. If loading it does not help, what this device keeps may be the cause. Without that you begin as
        a new guest: what you said stays, but your spaces stay with the guest you are now, and your drafts are gone.
      </p>
      <button type="button" className="small" onClick={startAgain}>
        Forget what this device keeps and start again
      </button>
    </section>
  )
}

function reload(): void {
  noteReload()
  window.location.reload()
}

function startAgain(): void {
  forgetEverything()
  window.location.assign(HOME_PATH)
}
