import { setTimeout as delay } from 'node:timers/promises'
import { textAnswer } from './answer/answer.ts'
import { type Fault, faults } from './fault.ts'
import type { FaultPlan } from './fault-plan.ts'

/** One stage of a restart: each call is answered by any of its faults. */
interface RestartStage {
  readonly name: string
  readonly faults: readonly [Fault, ...Fault[]]
}

const html = (status: number, title: string, retryAfter?: number): Fault => ({
  name: `status ${status}, ${title}`,
  instead: () => {
    const text = `<!DOCTYPE html><html><head><title>${title}</title></head><body><h2>${title}</h2></body></html>`
    const answer = textAnswer(status, text, 'text/html; charset=us-ascii')
    return retryAfter === undefined
      ? answer
      : { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfter) } }
  },
})

const errorXml = (message: string) =>
  `<?xml version="1.0" encoding="utf-8"?><Erreur><Code>500</Code><Message>${message}</Message></Erreur>`

const STACK_TRACE =
  'System.Data.SqlClient.SqlException: Login failed. at Polaris.Core.Acl.Login(String user, String password)'

/** What clients of a Windows server see while it restarts at night, in this order. Never a 401. */
export const restartStages: readonly RestartStage[] = [
  { name: 'stopping', faults: [faults.reset('middle'), faults.truncate(0.5, 'wrong'), faults.truncate(0.7, 'none')] },
  { name: 'no server', faults: [faults.reset('before')] },
  { name: 'http.sys without the service', faults: [html(404, 'Not Found'), html(503, 'Service Unavailable')] },
  {
    name: 'maintenance',
    faults: [
      faults.html(),
      html(503, 'Site en maintenance', 1),
      faults.redirect('https://maintenance.example/polaris'),
      faults.redirect('/maintenance.html'),
    ],
  },
  {
    name: 'service starts',
    faults: [
      html(500, 'Runtime Error'),
      faults.status(500, { body: STACK_TRACE }),
      faults.body(errorXml('SQL Server does not exist or access denied.')),
      html(403, 'Forbidden'),
      html(502, 'Bad Gateway'),
      html(504, 'Gateway Timeout'),
    ],
  },
  { name: 'sessions are lost', faults: [faults.loginPage(), faults.empty()] },
]

interface RestartParts {
  readonly stageMs: number
  /** In [0, 1). */
  readonly random: () => number
  readonly onStage?: (name: string) => void
}

/** Restarts the server badly: one stage after another. Resolves to the number of calls that failed. */
export async function restartBadly(plan: FaultPlan, { stageMs, random, onStage }: RestartParts): Promise<number> {
  let failed = 0
  for (const stage of restartStages) {
    onStage?.(stage.name)
    const end = plan.when(
      () => true,
      () => {
        failed += 1
        return stage.faults[Math.floor(random() * stage.faults.length)] ?? stage.faults[0]
      },
    )
    try {
      await delay(stageMs)
    } finally {
      end()
    }
  }
  return failed
}
