import type { ServerPage } from './answer/server-pages.ts'
import { type Fault, faults } from './fault.ts'

/** A server that restarts again and again. */
export interface RestartOptions {
  /** From the start of one restart to the start of the next. */
  readonly everyMs: number
  readonly forMs: number
}

/** What callers see while a Windows server restarts; each restart begins with another one. */
const stages: readonly (ServerPage | 'reset')[] = [
  'reset',
  'http.sys 503',
  'http.sys 404',
  'IIS 500.30',
  'database unreachable, in a document',
  'nginx 502',
  'IIS 403',
  'ASP.NET maintenance page with status 200',
  'captive portal redirect',
  'form login page',
  'ASP.NET error page',
]
const STAGES_PER_RESTART = 3

/** The fault of a call `ms` after the start of the server; undefined: no restart is in progress. */
export function restartFault({ everyMs, forMs }: RestartOptions, ms: number): Fault | undefined {
  const restart = Math.floor(ms / everyMs)
  const into = ms - restart * everyMs
  if (restart === 0 || into >= forMs) return undefined
  const stage = restart - 1 + Math.floor((into / forMs) * STAGES_PER_RESTART)
  const name = stages[stage % stages.length]
  return name === undefined || name === 'reset' ? faults.reset('before') : faults.serverPage(name)
}
