import { composeStream, oneShotReopening, withoutPlacement } from '../compose/compose-stream.ts'
import type { SharedResources } from '../compose/shared-resources.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { CloseStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import { runStream, type StreamEnd } from '../stream/run-stream.ts'
import { selectedStreams, streamOption } from './chosen-stream.ts'
import { type Command, configOption } from './command.ts'
import { asReplica } from './command-resources.ts'

export const pollOnce: Command = {
  name: 'poll-once',
  summary: 'read every stream, or one, until it has caught up, then exit',
  usage:
    'Opens each stream and publishes until a live scan has completed, the backfill is done and no\n' +
    'other scan is in progress. Then saves the checkpoint and logs how many clients were read, and\n' +
    'how many of them were published or unchanged. Opening a stream fences a running connector,\n' +
    'whatever its placement. Serves no endpoints.\n' +
    'If Kafka is unreachable, gives up after about 15 seconds and skips the remaining streams.\n' +
    'Exit code: 0 done or stopped, 1 another process took over a stream, 2 invalid configuration or\n' +
    'request, 3 Polaris, Kafka or S3 is unavailable.',
  options: { ...configOption, stream: { ...streamOption.stream, description: 'poll only this stream' } },
  examples: ['poll-once --config connector.yaml', 'poll-once --config connector.yaml --stream lyon'],
  run: (args, parts) =>
    asReplica(args, { ...parts, out: process.stderr }, async ({ config, shared, telemetry, closing }) => {
      const { stop } = parts
      const grace = closing.use(graceAfter(stop, config.finishWithinMs, shared.clock), (opened) =>
        opened[Symbol.dispose](),
      )
      let exitCode = 0
      for (const stream of selectedStreams(args, config.streams)) {
        const reported = telemetry.observe(stream.name, stream.poll)
        const totals = { clients: 0, events: 0, suppressed: 0 }
        const observe: Observe = (event) => {
          count(totals, event)
          reported(event)
        }
        const end = await pollStream(stream, { shared, closing, observe, giveUp: grace.signal }, stop)
        telemetry.log('info', 'poll ended', { stream: stream.name, end: end.kind, ...totals })
        if (end.kind !== 'failed' && end.kind !== 'lost') continue
        const code = codeOf(end.error)
        exitCode = Math.max(exitCode, errorCatalogue[code].exit)
        // All streams use the same brokers.
        if (code === 'publish.unreachable') break
      }
      return exitCode
    }),
}

interface PollParts {
  readonly shared: SharedResources
  readonly closing: CloseStack
  readonly observe: Observe
  readonly giveUp: AbortSignal
}

async function pollStream(
  stream: StreamConfig,
  { shared, closing, observe, giveUp }: PollParts,
  stop: AbortSignal,
): Promise<StreamEnd> {
  const composed = composeStream(stream, shared, {
    ...withoutPlacement,
    until: 'caught-up',
    outages: 'give-up',
    reopening: oneShotReopening,
    giveUp,
    observe,
  })
  closing.use(composed, (opened) => opened.closing.close())
  return await runStream(composed, stop)
}

interface Totals {
  clients: number
  events: number
  suppressed: number
}

function count(totals: Totals, event: PipelineEvent): void {
  if (event.kind === 'page-read') totals.clients += event.clients
  if (event.kind !== 'pages-published') return
  for (const { events, suppressed } of event.scans.values()) {
    totals.events += events
    totals.suppressed += suppressed
  }
}
