import type { AddressInfo } from 'node:net'
import { type Answer, textAnswer } from './polaris/answer.ts'
import { type AnswerNames, answerForms } from './polaris/answer-form.ts'
import { benchShelf } from './polaris/bench-shelf.ts'
import { functionPage, typePage } from './polaris/doc-page.ts'
import type { Fault } from './polaris/fault.ts'
import { type FaultPlan, faultPlan } from './polaris/fault-plan.ts'
import { firstClients } from './polaris/first-clients.ts'
import { httpFront } from './polaris/front.ts'
import type { Change, LiveShelf } from './polaris/live-shelf.ts'
import { madeUpClient } from './polaris/made-up-client.ts'
import type { SimulatorOptions } from './polaris/options.ts'
import type { Call } from './polaris/request.ts'
import { clientService, DEFAULT_TOKENS, type TokenOptions } from './polaris/service.ts'
import { type AccessOptions, accessControl, DEFAULT_ACCESS } from './polaris/session.ts'
import { wallClockOf } from './polaris/wall-clock.ts'

export { type Fault, faults } from './polaris/fault.ts'
export type { Change } from './polaris/live-shelf.ts'
export { plantedMarks } from './polaris/made-up-client.ts'
export type { SimulatorOptions } from './polaris/options.ts'
export type { Call } from './polaris/request.ts'

export interface PolarisSimulator {
  /** With the base path, e.g. `http://127.0.0.1:3443/core/api/`. */
  readonly url: string
  /** The log of truth: every change ever made, the first modification of every client included. Empty in bench mode. */
  readonly changes: readonly Change[]
  /** Ids in the order in which the clients were added. Empty in bench mode. */
  readonly clientIds: readonly string[]
  /** The last calls (10,000 at least are kept), of all functions. */
  readonly calls: readonly Call[]
  /** What `Client.GetClientsModified` answered with 200. */
  readonly served: { readonly pages: number; readonly bytes: number }
  readonly faults: FaultPlan
  /** What a client holds now. */
  readonly fieldsOf: LiveShelf['fieldsOf']
  /** Changes a client now: by id, or any. */
  readonly change: LiveShelf['change']
  /** Changes any client every so many milliseconds, until the returned function is called or the simulator closes. */
  changeEvery(ms: number): () => void
  /** Adds new clients, modified now. */
  readonly add: LiveShelf['add']
  /** From now on this is the simulator's time (modification times, `Date` header, expiry), in ms since 1970. */
  setClock(now: () => number): void
  /** Shifts the `Date` header by so much, or leaves it out. */
  setDateHeader(header: { readonly skewMs: number } | 'absent'): void
  /** Both take effect at the next call. */
  setAccess(access: Partial<AccessOptions>): void
  setTokens(tokens: Partial<TokenOptions>): void
  expireSessions(): void
  /** Every token issued until now is refused from now on. */
  expireTokens(): void
  /** Stops listening and breaks all connections. */
  close(): Promise<void>
}

const KEPT_CALLS = 10_000
const DEFAULT_NAMES: AnswerNames = { list: 'clients', flag: 'hasMoreResults', token: 'checkpoint' }

/** A Polaris back office that behaves as its public documentation says, and goes wrong on demand. Resolves when it listens. */
export async function startPolarisSimulator(options: SimulatorOptions = {}): Promise<PolarisSimulator> {
  const settings: Settings = {
    now: options.now ?? (() => Date.now()),
    dateHeader: { skewMs: 0 },
    access: { ...DEFAULT_ACCESS, ...options.access },
    tokens: { ...DEFAULT_TOKENS, ...options.tokens },
  }
  const { live, answer, expireTokens, expireSessions } = backOffice(options, settings)
  const calls: Call[] = []
  const served = { pages: 0, bytes: 0 }
  const faults = faultPlan()
  const basePath = `/${options.basePath ?? 'core/api'}/`.replace(/\/+/g, '/')
  const server = httpFront(
    {
      ...{ basePath, gzip: options.gzip ?? 'never', faults, answer },
      now: () => settings.now(),
      dateHeader: () => dateHeader(settings),
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
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}${basePath}`,
    ...{ changes: live.changes, clientIds: live.ids, calls, served, faults },
    ...{ fieldsOf: live.fieldsOf, change: live.change, add: live.add, expireTokens, expireSessions },
    changeEvery: (ms) => {
      const timer = setInterval(() => live.change(), ms)
      timers.add(timer)
      return () => clearInterval(timer)
    },
    setClock: (now) => void Object.assign(settings, { now }),
    setDateHeader: (dateHeader) => void Object.assign(settings, { dateHeader }),
    setAccess: (access) => void Object.assign(settings.access, access),
    setTokens: (tokens) => void Object.assign(settings.tokens, tokens),
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

const READ = 'Client.GetClientsModified'

interface Settings {
  now: () => number
  dateHeader: { readonly skewMs: number } | 'absent'
  readonly access: AccessOptions
  readonly tokens: TokenOptions
}

function dateHeader({ now, dateHeader }: Settings): string | undefined {
  return dateHeader === 'absent' ? undefined : new Date(now() + dateHeader.skewMs).toUTCString()
}

/** Everything behind HTTP. */
function backOffice(options: SimulatorOptions, settings: Settings) {
  const wall = wallClockOf(options.timeZone ?? 'Europe/Paris')
  const { xmlStyle = 'xml-serializer', jsonStyle = 'bare', jsonDates = 'iso' } = options
  const names = { ...DEFAULT_NAMES, ...options.names }
  const forms = answerForms({ xmlStyle, jsonStyle, jsonDates, names, wall })
  const { shelf: live, seed } = firstClients(options, { wall, forms, now: () => settings.now() })
  const service = clientService({
    shelf: options.mode === 'bench' ? benchShelf({ seed, clients: options.clients ?? 100, forms }) : live,
    ...{ forms, wall, maxLimit: options.maxLimit ?? Number.POSITIVE_INFINITY, tokens: () => settings.tokens },
  })
  const access = accessControl(() => settings.access)
  const sample = madeUpClient({ seed, index: 1, id: '1', version: 1, modified: { wall: wall.at(0), instant: 0 } })
  const documentation = (docType: string | undefined): Answer => {
    const html = docType === undefined ? functionPage() : typePage(docType, sample, names.list)
    return html === undefined ? textAnswer(404, 'Type inconnu') : textAnswer(200, html, 'text/html; charset=utf-8')
  }
  const answer = (call: Call, fault: Fault | undefined): Answer => {
    if (call.method !== 'GET' && call.method !== 'POST') return textAnswer(405, 'Method Not Allowed')
    if (call.function === 'ACL.Login') return access.login(call)
    if (call.function !== READ) return textAnswer(404, 'Fonction inconnue')
    if (call.parameters.has('doc')) return documentation(call.parameters.get('docType'))
    return access.refuse(call) ?? service.read(call, fault)
  }
  return {
    ...{ live, answer, expireSessions: access.expireAll },
    expireTokens: () => service.expireTokens(settings.now()),
  }
}
