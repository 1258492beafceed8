import { type Answer, textAnswer } from './answer/answer.ts'
import type { AnswerNames } from './answer/answer-form.ts'
import { functionPage, typePage } from './answer/doc-page.ts'
import { answerForms } from './answer/render-page.ts'
import { benchStore } from './clients/bench-store.ts'
import { firstClients } from './clients/first-clients.ts'
import { DEFAULT_LATE, type LateOptions } from './clients/live-store.ts'
import { madeUpClient } from './clients/made-up-client.ts'
import { type ClockFault, faultyClock } from './clock-fault.ts'
import type { Fault } from './fault.ts'
import type { SimulatorOptions } from './options.ts'
import type { Call } from './request.ts'
import { DEFAULT_SCANS, type ScanOptions } from './scans.ts'
import { clientService, DEFAULT_TOKENS, type TokenOptions } from './service.ts'
import { type AccessOptions, accessControl, DEFAULT_ACCESS } from './session.ts'
import { wallClockOf } from './wall-clock.ts'

export const READ = 'Client.GetClientsModified'
const DEFAULT_NAMES: AnswerNames = { list: 'clients', flag: 'hasMoreResults', token: 'checkpoint' }

/** What may change while the simulator runs. */
export interface Settings {
  now: () => number
  /** The `Date` header at an instant; undefined if it is absent. */
  date: (now: number) => string | undefined
  /** The server's modification time at an instant. */
  stamp: (now: number) => number
  readonly access: AccessOptions
  readonly tokens: TokenOptions
  readonly scans: ScanOptions
  readonly late: LateOptions
}

export function settingsOf(options: SimulatorOptions): Settings {
  return {
    now: options.now ?? (() => Date.now()),
    ...{ date: dateOf(options.dateHeader ?? {}), stamp: faultyClock(options.stamps ?? {}) },
    access: { ...DEFAULT_ACCESS, ...options.access },
    tokens: { ...DEFAULT_TOKENS, ...options.tokens },
    scans: { ...DEFAULT_SCANS, ...options.scans },
    late: { ...DEFAULT_LATE, ...options.late },
  }
}

export function dateOf(fault: ClockFault | 'absent'): Settings['date'] {
  if (fault === 'absent') return () => undefined
  const clock = faultyClock(fault)
  return (now) => new Date(clock(now)).toUTCString()
}

/** The service behind the HTTP server. */
export function backOffice(options: SimulatorOptions, settings: Settings) {
  const wall = wallClockOf(options.timeZone ?? 'Europe/Paris')
  const { xmlStyle = 'xml-serializer', jsonStyle = 'bare', jsonDates = 'iso' } = options
  const names = { ...DEFAULT_NAMES, ...options.names }
  const forms = answerForms({ xmlStyle, jsonStyle, jsonDates, names, wall })
  const { store: live, seed } = firstClients(options, {
    ...{ wall, forms, late: () => settings.late },
    ...{ now: () => settings.now(), stampNow: () => settings.stamp(settings.now()) },
  })
  const service = clientService({
    store: options.mode === 'bench' ? benchStore({ seed, clients: options.clients ?? 100, forms }) : live,
    ...{ forms, wall, maxLimit: options.maxLimit ?? Number.POSITIVE_INFINITY },
    ...{ tokens: () => settings.tokens, scans: () => settings.scans },
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
