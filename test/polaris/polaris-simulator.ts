import type { AddressInfo } from 'node:net'
import { backOffice, READ } from './back-office.ts'
import type { Change } from './clients/change.ts'
import type { LiveStore } from './clients/live-store.ts'
import { type FaultPlan, faultPlan } from './fault-plan.ts'
import { httpFront } from './front.ts'
import type { SimulatorOptions } from './options.ts'
import type { Call } from './request.ts'
import type { AccessOptions } from './session.ts'

export { plantedMarks } from './clients/made-up-client.ts'
export { type Fault, faults } from './fault.ts'
export type { SimulatorOptions } from './options.ts'

export interface PolarisSimulator {
  /** Includes the base path, such as `http://127.0.0.1:3443/core/api/`. */
  readonly url: string
  /** Every change ever made, including the first modification of every client. Empty in bench mode. */
  readonly changes: readonly Change[]
  /** Ids, in the order in which the clients were added. Empty in bench mode. */
  readonly clientIds: readonly string[]
  /** The last 10,000 calls or more, of all functions. */
  readonly calls: readonly Call[]
  /** Responses of `Client.GetClientsModified` with status 200. */
  readonly served: { readonly pages: number; readonly bytes: number }
  readonly faults: FaultPlan
  /** Changes the client with this id, or else any client. */
  readonly change: LiveStore['change']
  /** Changes any client every `ms` milliseconds, until the returned function is called or the simulator closes. */
  changeEvery(ms: number): () => void
  /** Changes the first clients, this many, at the same instant: quick and small even for 300,000. */
  readonly massUpdate: LiveStore['massUpdate']
  /** Adds new clients, modified now. */
  readonly add: LiveStore['add']
  /** Deletes clients, as a merge of two does with one of them. Not part of the history: a restart returns them. */
  readonly remove: LiveStore['remove']
  /** Returns deleted clients again, as they were. */
  readonly restore: LiveStore['restore']
  /** Sets the `Date` header this far ahead (ms; negative: behind), or omits it. */
  setDateHeader(ahead: number | 'absent'): void
  /** Takes effect at the next call. */
  setAccess(access: Partial<AccessOptions>): void
  expireSessions(): void
  /** Refuses every token issued so far. */
  expireTokens(): void
  /** Stops listening and closes all connections. */
  close(): Promise<void>
}

const KEPT_CALLS = 10_000
const BASE_PATH = '/core/api/'

/**
 * Starts a Polaris back office that follows its public documentation, with faults on demand. Resolves once it listens.
 */
export async function startPolarisSimulator(options: SimulatorOptions = {}): Promise<PolarisSimulator> {
  const { live, answer, expireTokens, setAccess, expireSessions } = backOffice(options)
  let dateHeader: number | 'absent' = 0
  const calls: Call[] = []
  const served = { pages: 0, bytes: 0 }
  const faults = faultPlan()
  const server = httpFront(
    {
      ...{ basePath: BASE_PATH, gzip: options.gzip ?? 'never', faults, answer },
      dateHeader: () => (dateHeader === 'absent' ? undefined : new Date(Date.now() + dateHeader).toUTCString()),
      onCall: (call) => {
        if (calls.push(call) >= 2 * KEPT_CALLS) calls.splice(0, KEPT_CALLS)
      },
      onAnswer: (call, { status, body }) => {
        if (status !== 200 || call.function !== READ) return
        served.pages += 1
        served.bytes += body.length
      },
    },
    options.tls,
  )
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const timers = new Set<NodeJS.Timeout>()
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}${BASE_PATH}`,
    ...{ changes: live.changes, clientIds: live.ids, calls, served, faults },
    ...{
      change: live.change,
      massUpdate: live.massUpdate,
      add: live.add,
      remove: live.remove,
      restore: live.restore,
    },
    ...{ expireTokens, setAccess, expireSessions },
    changeEvery: (ms) => {
      const timer = setInterval(() => live.change(), ms)
      timers.add(timer)
      return () => clearInterval(timer)
    },
    setDateHeader: (ahead) => {
      dateHeader = ahead
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
