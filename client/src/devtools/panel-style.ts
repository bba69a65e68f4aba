/** How the panel looks. As a sheet made by the page itself, which a policy without inline styles allows. */
const STYLE = `
.rhizom-devtools {
  position: fixed; z-index: 2147483000; right: 12px; bottom: 12px; width: min(460px, calc(100vw - 24px));
  max-height: min(70vh, 640px); display: flex; flex-direction: column; overflow: hidden;
  background: #16181d; color: #e8e6e3; border: 1px solid #3a3f4b; border-radius: 10px;
  font: 12px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; text-align: left;
  box-shadow: 0 10px 40px rgb(0 0 0 / 45%);
}
.rhizom-devtools > summary {
  display: flex; align-items: center; gap: 8px; padding: 8px 12px; cursor: pointer; list-style: none; font-weight: 600;
}
.rhizom-devtools > summary::-webkit-details-marker { display: none; }
.rhizom-devtools .dot { width: 9px; height: 9px; border-radius: 50%; background: #d9a441; box-shadow: none; animation: none; }
.rhizom-devtools[data-status="live"] .dot { background: #58b368; }
.rhizom-devtools[data-status="error"] .dot { background: #d9534f; }
.rhizom-devtools .grow { flex: 1; }
.rhizom-devtools .dim { color: #9aa0ab; font-weight: 400; }
.rhizom-devtools .body { overflow: auto; border-top: 1px solid #2a2e37; padding: 4px 12px 12px; }
.rhizom-devtools h3 { margin: 10px 0 4px; font-size: 11px; letter-spacing: 0.05em; text-transform: uppercase; color: #9aa0ab; }
.rhizom-devtools table { width: 100%; border-collapse: collapse; }
.rhizom-devtools td, .rhizom-devtools th { padding: 2px 8px 2px 0; text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: break-word; }
.rhizom-devtools th { color: #9aa0ab; white-space: nowrap; }
.rhizom-devtools .controls { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 14px; align-items: center; }
.rhizom-devtools .controls .row { grid-column: 1 / -1; display: flex; gap: 8px; }
.rhizom-devtools label { display: flex; align-items: center; gap: 8px; margin: 0; }
.rhizom-devtools input[type="range"] { flex: 1; min-width: 0; padding: 0; accent-color: #7aa2f7; }
.rhizom-devtools button {
  height: auto; padding: 3px 10px; border: 1px solid #3a3f4b; border-radius: 6px; background: #23262e; color: inherit;
  font: inherit; cursor: pointer;
}
.rhizom-devtools button:hover { background: #2d313b; }
.rhizom-devtools button[aria-pressed="true"] { background: #7c2f2c; border-color: #a9453f; }
.rhizom-devtools ol { margin: 0; padding: 0; list-style: none; height: 190px; overflow: auto; }
.rhizom-devtools li { display: flex; gap: 8px; padding: 1px 0; border-top: 1px solid #20232a; }
.rhizom-devtools li > span:last-child { overflow-wrap: anywhere; min-width: 0; }
.rhizom-devtools [data-kind="in"] .kind { color: #58b368; }
.rhizom-devtools [data-kind="out"] .kind { color: #7aa2f7; }
.rhizom-devtools [data-kind="fault"] .kind { color: #e06c5f; }
.rhizom-devtools .kind { width: 52px; flex: none; }
`

/** Puts the sheet into the page while the panel is there. */
export function addStyle(): () => void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet)
  }
}
