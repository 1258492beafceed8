import type { AddressInfo } from 'node:net'
import { type Answer, textAnswer } from './answer/answer.ts'
import type { AnswerShapeName } from './answer/answer-shapes.ts'
import { benchStore } from './clients/bench-store.ts'
import type { Change } from './clients/client-store.ts'
import { type FirstClients, firstClients } from './clients/first-clients.ts'
import type { LiveStore } from './clients/live-store.ts'
import { type FaultPlan, faultPlan } from './fault-plan.ts'
import { httpFront } from './front.ts'
import type { Call } from './request.ts'
import { readClients } from './service.ts'
import { type AccessOptions, accessControl, DEFAULT_ACCESS } from './session.ts'

export { plantedMarks } from './clients/made-up-client.ts'
export { faults } from './fault.ts'

export interface SimulatorOptions extends FirstClients {
  /** Default: a free port. */
  readonly port?: number
  /** Default: `127.0.0.1`. */
  readonly host?: string
  /** Serves HTTPS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  /** `bench`: any number of clients that never change, in pages prepared once. */
  readonly mode?: 'live' | 'bench'
  readonly access?: Partial<AccessOptions>
  /** Pages have this shape, as another serializer may write them. Not in bench mode. */
  readonly shape?: AnswerShapeName
}

export interface PolarisSimulator {
  /** Includes the base path, such as `http://127.0.0.1:3443/core/api/`. */
  readonly url: string
  /** Every change ever made, including the first modification of every client. Empty in bench mode. */
  readonly changes: readonly Change[]
  /** Ids, in the order in which the clients were added. Empty in bench mode. */
  readonly clientIds: readonly string[]
  /** The last 10,000 calls or more, of all functions. */
  readonly calls: readonly Call[]
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
  /** Takes effect at the next call. */
  setAccess(access: Partial<AccessOptions>): void
  expireSessions(): void
  /** Stops listening and closes all connections. */
  close(): Promise<void>
}

const READ = 'Client.GetClientsModified'
const KEPT_CALLS = 10_000
const BASE_PATH = '/core/api/'

/**
 * Starts a Polaris back office that follows its public documentation, with faults on demand. Resolves once it listens.
 */
export async function startPolarisSimulator(options: SimulatorOptions = {}): Promise<PolarisSimulator> {
  const { clients = 100, host = '127.0.0.1', port: wanted = 0, mode, tls } = options
  const live = firstClients(mode === 'bench' ? { clients: 0 } : options)
  const store = mode === 'bench' ? benchStore(clients) : live
  let allowed: AccessOptions = { ...DEFAULT_ACCESS, ...options.access }
  const access = accessControl(() => allowed)
  const answer = (call: Call): Answer => {
    if (call.function === 'ACL.Login') return access.login(call)
    if (call.function !== READ) return textAnswer(404, 'Fonction inconnue')
    return access.refuse(call) ?? readClients(store, call, options.shape)
  }
  const calls: Call[] = []
  const onCall = (call: Call) => {
    if (calls.push(call) >= 2 * KEPT_CALLS) calls.splice(0, KEPT_CALLS)
  }
  const faults = faultPlan()
  const server = httpFront({ basePath: BASE_PATH, faults, answer, onCall }, tls)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(wanted, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const timers = new Set<NodeJS.Timeout>()
  const { change, massUpdate, add, remove, restore } = live
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}${BASE_PATH}`,
    changes: live.changes,
    clientIds: live.ids,
    calls,
    faults,
    expireSessions: access.expireAll,
    change,
    massUpdate,
    add,
    remove,
    restore,
    setAccess: (other) => {
      allowed = { ...allowed, ...other }
    },
    changeEvery: (ms) => {
      const timer = setInterval(() => change(), ms)
      timers.add(timer)
      return () => clearInterval(timer)
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
