import { setTimeout as delay } from 'node:timers/promises'
import { plantedMarks } from './clients/made-up-client.ts'
import { type Fault, faults } from './fault.ts'
import type { FaultPlan } from './fault-plan.ts'

const html = (status: number, title: string): Fault =>
  faults.body(
    `<!DOCTYPE html><html><head><title>${title}</title></head><body><h2>${title}</h2></body></html>`,
    'text/html; charset=us-ascii',
    status,
  )

const ERROR_XML =
  '<?xml version="1.0" encoding="utf-8"?><Erreur><Code>500</Code><Message>SQL Server does not exist or access denied.</Message></Erreur>'
/** Servers quote what they were working on. */
const STACK_TRACE = `System.FormatException: client ${plantedMarks.join(' ')} at Polaris.Core.Client.Read(String text)`

/**
 * What clients of a Windows server see while it restarts at night, one stage after another. Each call is answered by any
 * fault of the stage. Never a 401.
 */
const restartStages: readonly (readonly [Fault, ...Fault[]])[] = [
  // It stops.
  [faults.reset('middle'), faults.truncate(0.5, 'wrong'), faults.truncate(0.7, 'none')],
  [faults.reset('before')],
  // http.sys without the service.
  [html(404, 'Not Found'), html(503, 'Service Unavailable')],
  // Maintenance.
  [faults.html(), faults.redirect('https://maintenance.example/polaris'), faults.redirect('/maintenance.html')],
  // The service starts.
  [
    html(500, 'Runtime Error'),
    faults.status(500, STACK_TRACE),
    faults.body(ERROR_XML),
    html(403, 'Forbidden'),
    html(502, 'Bad Gateway'),
    html(504, 'Gateway Timeout'),
  ] as [Fault, ...Fault[]],
  // Sessions are lost.
  [faults.loginPage(), faults.empty()],
]

interface RestartParts {
  readonly stageMs: number
  /** In [0, 1). */
  readonly random: () => number
}

/** Restarts the server badly: one stage after another. Resolves to the number of calls that failed. */
export async function restartBadly(plan: FaultPlan, { stageMs, random }: RestartParts): Promise<number> {
  let failed = 0
  for (const stage of restartStages) {
    const end = plan.when(
      () => true,
      () => {
        failed += 1
        return stage[Math.floor(random() * stage.length)] ?? stage[0]
      },
    )
    await delay(stageMs).finally(end)
  }
  return failed
}
