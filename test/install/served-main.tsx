import { hydrateRoot } from 'react-dom/client'
import { InBrowser } from './served-app.tsx'

const root = document.getElementById('root')
const served = document.getElementById('served')?.textContent
if (root === null || !served) throw new Error('this is not the page that the server drew')
hydrateRoot(root, <InBrowser {...JSON.parse(served)} />)
