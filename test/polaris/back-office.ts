import { type Answer, textAnswer } from './answer/answer.ts'
import type { AnswerNames } from './answer/answer-form.ts'
import { answerForms } from './answer/render-page.ts'
import { benchStore } from './clients/bench-store.ts'
import { firstClients } from './clients/first-clients.ts'
import type { Fault } from './fault.ts'
import type { SimulatorOptions } from './options.ts'
import type { Call } from './request.ts'
import { clientService } from './service.ts'
import { type AccessOptions, accessControl, DEFAULT_ACCESS } from './session.ts'
import { wallClockOf } from './wall-clock.ts'

export const READ = 'Client.GetClientsModified'
const DEFAULT_NAMES: AnswerNames = { list: 'clients', flag: 'hasMoreResults', token: 'checkpoint' }
const TIME_ZONE = 'Europe/Paris'

/** The service behind the HTTP server. */
export function backOffice(options: SimulatorOptions) {
  const wall = wallClockOf(TIME_ZONE)
  const { xmlStyle = 'xml-serializer', jsonStyle = 'bare', jsonDates = 'iso', tokenRefusal = 400 } = options
  const forms = answerForms({ xmlStyle, jsonStyle, jsonDates, names: { ...DEFAULT_NAMES, ...options.names }, wall })
  const { store: live, seed } = firstClients(options, { wall, forms })
  const { read, expireTokens } = clientService({
    store: options.mode === 'bench' ? benchStore({ seed, clients: options.clients ?? 100, forms }) : live,
    ...{ forms, wall, tokenRefusal },
  })
  let allowed: AccessOptions = { ...DEFAULT_ACCESS, ...options.access }
  const access = accessControl(() => allowed)
  const answer = (call: Call, fault: Fault | undefined): Answer => {
    if (call.method !== 'GET' && call.method !== 'POST') return textAnswer(405, 'Method Not Allowed')
    if (call.function === 'ACL.Login') return access.login(call)
    if (call.function !== READ) return textAnswer(404, 'Fonction inconnue')
    return access.refuse(call) ?? read(call, fault)
  }
  const setAccess = (other: Partial<AccessOptions>) => {
    allowed = { ...allowed, ...other }
  }
  return { live, answer, expireTokens, setAccess, expireSessions: access.expireAll }
}
