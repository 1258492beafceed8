import { createRequire } from 'node:module'
import type * as Undici from 'undici'

// The parts of undici in use here. Its main module loads all others too (caches, mocks, WebSockets): 11 MB of memory. The
// version is pinned, as these modules are not public.

const load = createRequire(import.meta.url)

export const Client: typeof Undici.Client = load('undici/lib/dispatcher/client.js')
export const Pool: typeof Undici.Pool = load('undici/lib/dispatcher/pool.js')
export const buildConnector: typeof Undici.buildConnector = load('undici/lib/core/connect.js')

// As the main module does: `request`, `connect` and others are methods of every dispatcher.
Object.assign(load('undici/lib/dispatcher/dispatcher.js').prototype, load('undici/lib/api/index.js'))
