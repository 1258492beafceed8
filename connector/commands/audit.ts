import { composeAudit, readRetention } from '../compose/compose-audit.ts'
import { controlParts } from '../compose/compose-control.ts'
import { updateControl } from '../control/control-document.ts'
import { pauseOf } from '../control/requests.ts'
import { withAudit } from '../control/stream-reports.ts'
import { type AuditProgress, auditStream } from '../inspect/audit/audit-stream.ts'
import { countedDifferences } from '../inspect/audit/compare.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type ExitCode, errorCatalogue, highest } from '../runtime/error-catalogue.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, jsonOption, printOutput } from './command.ts'
import { asOperator, type ChosenStream, onlyStream, selectedStreams, streamOption } from './command-resources.ts'
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
    'With --record, also stores the time and the number of differences beside the checkpoints, for the\n' +
    'metrics audit_differences and audit_timestamp_seconds; without a stream, audits all of them one\n' +
    'after another.\n' +
    'A server that mixes up two scans of one caller requires that the stream is paused.',
  options: {
    ...configOption,
    ...streamOption,
    ids: { type: 'boolean', description: 'print the ids of clients that differ' },
    record: { type: 'boolean', description: 'store the result for the metrics; all streams if none is named' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: [
    'audit lyon --config connector.yaml',
    'audit lyon --config connector.yaml --json',
    'audit --record --config connector.yaml',
  ],
  outputs: { '--json': auditShape },
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const isOne = args.record !== true || args.json === true
      const streams = isOne ? [onlyStream(args, config.streams)] : selectedStreams(args, config.streams)
      const exits: ExitCode[] = []
      for (const stream of streams) {
        await using closing = closeStack()
        exits.push(await auditOne({ stream, shared, closing }, args, parts))
      }
      return highest(exits)
    }),
}

async function auditOne(chosen: ChosenStream, args: CommandArgs, parts: CommandParts): Promise<ExitCode> {
  try {
    const report = await audited(chosen, { ...parts, wanted: args.ids === true ? 'ids' : 'counts' })
    printOutput(args, parts, { json: auditOutput(report), lines: () => auditLines(report, parts.screen) })
    const differences = countedDifferences(report.result, report.retention)
    if (args.record === true) await record(chosen, differences, parts)
    return differences === 0 ? 0 : 1
  } catch (error) {
    if (parts.stop.aborted) {
      parts.printError('audit: stopped before the end, so nothing was compared')
      return 3
    }
    // The other streams are audited all the same.
    if (args.record !== true || !(error instanceof ConnectorError)) throw error
    const { exit, hint } = errorCatalogue[error.code]
    parts.printError(`stream ${chosen.stream.name}: ${error.message}\n${error.code}: ${hint}`)
    return exit
  }
}

async function record(
  { stream, shared }: ChosenStream,
  differences: number,
  { stop }: Pick<CommandParts, 'stop'>,
): Promise<void> {
  const audit = { at: shared.clock.now(), differences }
  await updateControl(controlParts(shared), (stored) => withAudit(stored, stream.name, audit), stop)
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
