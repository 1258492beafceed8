import { composeAudit, readRetention } from '../compose/compose-audit.ts'
import { pauseOf } from '../control/requests.ts'
import { type AuditProgress, auditStream } from '../inspect/audit/audit-stream.ts'
import { countedDifferences } from '../inspect/audit/compare.ts'
import { type Command, type CommandParts, configOption, jsonOption, printOutput } from './command.ts'
import { type ChosenStream, streamOption, withStream } from './command-resources.ts'
import { findControl } from './control/found-control.ts'
import { auditLines, auditOutput, auditShape, type Report } from './output/audit-output.ts'
import { timedProgress } from './output/shown-progress.ts'
import { counted } from './output/text.ts'

export const audit: Command = {
  name: 'audit',
  summary: 'compare the clients in the source, in the client index and in the topic',
  usage:
    'Reads the whole events topic, the checkpoint with its client index, and all clients of Polaris from\n' +
    'POLARIS_LAST_CHANGED on, and compares them. Changes nothing: fences no replica, writes nothing and\n' +
    'publishes nothing. Running replicas continue; clients that change meanwhile are not differences.\n' +
    'Costs the server a full scan, at the pace of one (poll.backgroundShare). Needs about 125 bytes of\n' +
    'memory for each client.\n' +
    'Prints how many clients there are and how many differ, by kind; docs/operations.md#audit says what\n' +
    'to do. With --ids, also prints the ids of the first 100 clients of each kind: personal data.\n' +
    'Where something is not published, first waits until the running replica has had time to do so.\n' +
    'A server that mixes up two scans of one caller requires that the stream is paused.\n' +
    'Exit code: 0 source, index and topic agree, 1 they differ, 2 invalid configuration or request,\n' +
    '3 Polaris, Kafka or S3 is unavailable, or the audit was stopped, 4 the checkpoint or its client\n' +
    'index is damaged.',
  options: {
    ...configOption,
    ...streamOption,
    ids: { type: 'boolean', description: 'print the ids of clients that differ' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: ['audit --config connector.yaml', 'audit lyon --config connector.yaml --json'],
  outputs: { '--json': auditShape },
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const wanted = args.ids === true ? 'ids' : 'counts'
      const report = await audited(chosen, { ...parts, wanted }).catch((error) => {
        if (!parts.stop.aborted) throw error
      })
      if (report === undefined) {
        parts.printError('audit: stopped before the end, so nothing was compared')
        return 3
      }
      printOutput(args, parts, { json: auditOutput(report), lines: () => auditLines(report, parts.screen) })
      return countedDifferences(report.result, report.retention) === 0 ? 0 : 1
    }),
}

async function audited(
  { stream, shared, closing }: ChosenStream,
  { wanted, ...parts }: CommandParts & { readonly wanted: 'counts' | 'ids' },
): Promise<Report> {
  const { clock } = shared
  const startedAt = clock.monotonic()
  const control = await findControl(shared, parts.stop)
  const isPaused = pauseOf(control.document, stream.name) !== undefined
  const retention = await readRetention(stream, shared, parts.stop)
  const composed = composeAudit(stream, shared, { isPaused, closing })
  const show = timedProgress(parts, clock)
  let step: AuditProgress['step'] | undefined
  const onProgress = (progress: AuditProgress) => {
    show(progressText(progress), progress.step === step ? 'in-time' : 'now')
    step = progress.step
  }
  const result = await auditStream(composed, { wanted, onProgress }, parts.stop)
  parts.showProgress?.('')
  return { stream: stream.name, result, retention, tookMs: clock.monotonic() - startedAt }
}

function progressText(progress: AuditProgress): string {
  switch (progress.step) {
    case 'topic':
      return `${Math.floor(progress.share * 100)} % of the topic read: ${counted(progress.events, 'event')}`
    case 'source':
      return `reading the source: ${counted(progress.clients, 'client')} so far, ${progress.inIndex} in the index`
    case 'waiting':
      return 'waiting until the running replica publishes what differs'
  }
}
